// Cuts a stream's bytes into frames, wherever the network cut them before.

import Glibc
import PulserIR

/// Takes bytes as they come and gives whole frames.
///
/// What is whole inside one piece is given where it lies; only what spans pieces is copied.
struct FrameCutter {
    /// A frame longer than this is no frame of ours.
    static let frameBytesMax = 4 << 20

    private let form: StreamForm
    private var rest: [UInt8] = []

    init(_ form: StreamForm) { self.form = form }

    /// Whether a frame was begun and not ended.
    var isInside: Bool { !self.rest.isEmpty }

    /// Takes a piece.
    ///
    /// - Parameters:
    ///   - piece: The bytes that came.
    ///   - body: Called with each frame that is complete now.
    /// - Throws: When this is no stream of that form.
    mutating func take(
        _ piece: UnsafeRawBufferPointer,
        _ body: (StreamFrame) -> Void
    ) throws(LoadError) {
        if self.rest.isEmpty {
            let used = try self.cut(piece, body)
            self.rest.append(contentsOf: piece[used...])
            return
        }
        self.rest.append(contentsOf: piece)
        let bytes = self.rest
        let result: Result<Int, LoadError> = bytes.withUnsafeBytes { buffer in
            do throws(LoadError) {
                return .success(try self.cut(buffer, body))
            } catch {
                return .failure(error)
            }
        }
        self.rest = Array(bytes[(try result.get())...])
    }

    private func cut(
        _ bytes: UnsafeRawBufferPointer,
        _ body: (StreamFrame) -> Void
    ) throws(LoadError) -> Int {
        var used = 0
        while true {
            let length: Int?
            switch self.form {
            case .binary: length = try Self.binary(bytes, from: used, body)
            case .lines: length = Self.line(bytes, from: used, body)
            case .serverSentEvents: length = Self.block(bytes, from: used, body)
            }
            guard let length else {
                guard bytes.count - used <= Self.frameBytesMax else {
                    throw LoadError("a frame is longer than \(Self.frameBytesMax) bytes")
                }
                return used
            }
            used += length
        }
    }

    /// `u32 length, u8 code, JSON`; the length counts the code.
    private static func binary(
        _ bytes: UnsafeRawBufferPointer,
        from start: Int,
        _ body: (StreamFrame) -> Void
    ) throws(LoadError) -> Int? {
        guard bytes.count - start >= 5 else { return nil }
        let length = Int(
            UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: start, as: UInt32.self))
        )
        guard length >= 1, length <= Self.frameBytesMax else {
            throw LoadError("a binary frame says it has \(length) bytes")
        }
        guard bytes.count - start >= 4 + length else { return nil }
        let code = Int(bytes[start + 4])
        let json = UnsafeRawBufferPointer(rebasing: bytes[(start + 5)..<(start + 4 + length)])
        if code == 1 {
            body(.event(json))
        } else {
            let names = [
                2: "hello", 3: "reset", 4: "snapshot", 5: "snapshot-end", 6: "gap", 7: "bookmark",
                8: "heartbeat", 9: "end", 10: "bye",
            ]
            body(.other(name: names[code] ?? "code \(code)", json))
        }
        return 4 + length
    }

    private static func line(
        _ bytes: UnsafeRawBufferPointer,
        from start: Int,
        _ body: (StreamFrame) -> Void
    ) -> Int? {
        guard let end = Self.newline(bytes, from: start) else { return nil }
        let json = UnsafeRawBufferPointer(rebasing: bytes[start..<end])
        // Members stand in order, and "frame" comes before "lane".
        if json.starts(with: #"{"lane":"#.utf8) {
            body(.event(json))
        } else if let name = (try? JSONValue(parsing: json))?["frame"]?.stringValue {
            body(.other(name: name, json))
        }
        return end + 1 - start
    }

    /// The lines up to an empty one.
    private static func block(
        _ bytes: UnsafeRawBufferPointer,
        from start: Int,
        _ body: (StreamFrame) -> Void
    ) -> Int? {
        var place = start
        var name: String?
        var data: Range<Int>?
        while let end = Self.newline(bytes, from: place) {
            if end == place {
                if let data {
                    let json = UnsafeRawBufferPointer(rebasing: bytes[data])
                    body(name.map { .other(name: $0, json) } ?? .event(json))
                }
                return end + 1 - start
            }
            let line = bytes[place..<end]
            if line.starts(with: "data: ".utf8) {
                data = (place + 6)..<end
            } else if line.starts(with: "event: ".utf8) {
                name = String(decoding: line.dropFirst(7), as: UTF8.self)
            }
            place = end + 1
        }
        return nil
    }

    private static func newline(_ bytes: UnsafeRawBufferPointer, from start: Int) -> Int? {
        guard start < bytes.count, let base = bytes.baseAddress,
            let found = memchr(base + start, 10, bytes.count - start)
        else { return nil }
        return UnsafeRawPointer(found) - base
    }
}
