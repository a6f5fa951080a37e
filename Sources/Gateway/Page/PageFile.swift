// One file of the page as it is sent: plain and packed, each with its tag.

import HTTPTypes
import Hummingbird
import NIOCore
import PulserIR

/// A file that is answered from memory.
struct PageFile: Sendable {
    /// Its media type.
    let type: String
    /// Its bytes.
    let plain: ByteBuffer
    /// The same, packed; `nil` when that is no gain.
    let packed: ByteBuffer?
    private let plainTag: EntityTag
    private let packedTag: EntityTag

    /// Takes the bytes of a file.
    ///
    /// - Parameters:
    ///   - name: Its name, which says what it is.
    ///   - bytes: What is in it.
    init(_ name: String, _ bytes: ByteBuffer) {
        self.type = Self.type(of: name)
        self.plain = bytes
        self.packed = Self.isPackable(name) ? Gzip.pack(bytes) : nil
        self.plainTag = EntityTag(Digest(of: Array(bytes.readableBytesView)))
        self.packedTag =
            self.packed.map { EntityTag(Digest(of: Array($0.readableBytesView))) }
            ?? self.plainTag
    }

    /// The answer, without a body where the caller has it.
    ///
    /// - Parameters:
    ///   - request: The request.
    ///   - fields: Of the answer, beside type, coding and tag.
    /// - Returns: The answer.
    func answer(_ request: Request, _ fields: HTTPFields) -> Response {
        var fields = fields
        fields[.contentType] = self.type
        fields[.vary] = "Accept-Encoding"
        var body = self.plain
        var tag = self.plainTag
        if let packed, Gzip.isAccepted(request.headers[.acceptEncoding]) {
            fields[.contentEncoding] = "gzip"
            body = packed
            tag = self.packedTag
        }
        fields[.eTag] = tag.field
        if request.has(self.plainTag) || request.has(self.packedTag) {
            fields[.contentEncoding] = nil
            return Response(status: .notModified, headers: fields)
        }
        return Response(status: .ok, headers: fields, body: ResponseBody(byteBuffer: body))
    }

    /// What is behind the last dot of a name, in small letters.
    static func suffix(of name: String) -> String {
        guard let dot = name.lastIndex(of: ".") else { return "" }
        return name[name.index(after: dot)...].lowercased()
    }

    private static let types = [
        "html": "text/html; charset=utf-8", "css": "text/css; charset=utf-8",
        "js": "text/javascript; charset=utf-8", "mjs": "text/javascript; charset=utf-8",
        "json": "application/json", "webmanifest": "application/manifest+json",
        "map": "application/json", "svg": "image/svg+xml", "png": "image/png",
        "jpg": "image/jpeg", "webp": "image/webp", "ico": "image/x-icon",
        "txt": "text/plain; charset=utf-8", "md": "text/plain; charset=utf-8",
        "ttf": "font/ttf", "woff2": "font/woff2",
    ]

    private static func type(of name: String) -> String {
        Self.types[Self.suffix(of: name)] ?? "application/octet-stream"
    }

    /// Whether bytes of this kind are not packed already.
    private static func isPackable(_ name: String) -> Bool {
        !["png", "jpg", "webp", "woff2"].contains(Self.suffix(of: name))
    }
}
