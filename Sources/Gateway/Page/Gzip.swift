// Packs bytes once, so that no request has to.

import NIOCore
import NIOEmbedded
import NIOHTTP1
import NIOHTTPCompression

/// The `gzip` content coding (RFC 9110, 8.4.1.3).
enum Gzip {
    /// Packs `bytes`.
    ///
    /// The library packs bodies of requests on their way through a channel: one is played to it in
    /// memory.
    ///
    /// - Returns: `nil` when that would save less than a tenth.
    static func pack(_ bytes: ByteBuffer) -> ByteBuffer? {
        guard bytes.readableBytes > 0 else { return nil }
        let channel = EmbeddedChannel(handler: NIOHTTPRequestCompressor(encoding: .gzip))
        defer { _ = try? channel.finish(acceptAlreadyClosed: true) }
        let head = HTTPRequestHead(version: .http1_1, method: .POST, uri: "/")
        for part in [
            HTTPClientRequestPart.head(head), .body(.byteBuffer(bytes)), .end(nil),
        ] {
            channel.pipeline.write(part, promise: nil)
        }
        channel.pipeline.flush()
        var packed = ByteBuffer()
        while let part = try? channel.readOutbound(as: HTTPClientRequestPart.self) {
            if case .body(.byteBuffer(var piece)) = part { packed.writeBuffer(&piece) }
        }
        let isWorth =
            packed.readableBytes > 0
            && packed.readableBytes < bytes.readableBytes / 10 * 9
        return isWorth ? packed : nil
    }

    /// Whether a client takes the coding (`accept-encoding`).
    static func isAccepted(_ field: String?) -> Bool {
        for part in (field ?? "").lowercased().split(separator: ",") {
            let words = part.split(separator: ";").map { word in
                word.filter { $0 != " " && $0 != "\t" }
            }
            guard let coding = words.first, coding == "gzip" || coding == "*" else { continue }
            return !words.dropFirst().contains { word in
                word.hasPrefix("q=0") && word.dropFirst(3).allSatisfy { $0 == "." || $0 == "0" }
            }
        }
        return false
    }
}
