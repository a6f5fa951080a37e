// Request bodies: bounded, of a known type, read once.

import HTTPTypes
public import Hummingbird
public import NIOCore
public import PulserIR

extension Request {
    /// The largest body that is read into memory.
    public static let bodyBytesMax = 1 << 20

    /// Reads the whole body.
    ///
    /// - Parameter limit: In bytes. Default 1 MiB.
    /// - Returns: The bytes.
    /// - Throws: `bodyTooLarge`.
    public func bytes(upTo limit: Int = Self.bodyBytesMax) async throws -> ByteBuffer {
        let problem = Problem(
            .bodyTooLarge,
            "the body is larger than \(limit) bytes",
            next: "send at most \(limit) bytes"
        )
        try self.checkCoding()
        // A body that announces its size is refused before it is sent.
        if let text = self.headers[.contentLength], let length = Int(text), length > limit {
            throw problem
        }
        var whole = ByteBuffer()
        for try await var chunk in self.body {
            guard whole.readableBytes + chunk.readableBytes <= limit else { throw problem }
            if whole.readableBytes == 0 { whole = chunk } else { whole.writeBuffer(&chunk) }
        }
        return whole
    }

    /// Reads a JSON body.
    ///
    /// - Parameter limit: In bytes. Default 1 MiB.
    /// - Returns: The value.
    /// - Throws: `unsupportedMediaType`, `bodyTooLarge`, `invalidJSON`.
    public func json(upTo limit: Int = Self.bodyBytesMax) async throws -> JSONValue {
        let type = self.mediaType
        guard type == "application/json" || type.hasSuffix("+json") else {
            throw Problem(
                .unsupportedMediaType,
                type.isEmpty ? "the body has no content-type" : "the body is not application/json",
                next: "send JSON with content-type: application/json"
            )
        }
        let bytes = try await self.bytes(upTo: limit)
        do {
            return try JSONValue(parsing: Array(bytes.readableBytesView))
        } catch {
            throw Problem(.invalidJSON, "the body is \(error.message)", next: "send one JSON value")
        }
    }

    /// A body that was packed is not read as if it were not.
    ///
    /// - Throws: `unsupportedMediaType`.
    func checkCoding() throws(Problem) {
        guard let coding = self.headers[.contentEncoding], coding.lowercased() != "identity" else {
            return
        }
        throw Problem(
            .unsupportedMediaType,
            "the body is packed: this server takes no content-encoding",
            next: "send it as it is",
            fields: [.acceptEncoding: "identity"]
        )
    }

    /// The body's type without parameters, in small letters; empty without one.
    public var mediaType: String {
        let text = self.headers[.contentType] ?? ""
        let type = text.prefix { $0 != ";" }
        return String(type.filter { $0 != " " && $0 != "\t" }).lowercased()
    }
}
