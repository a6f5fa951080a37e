// `/v1/runs/{run}/artifacts`: what steps left, streamed with range and digest.

import FoundationEssentials
import HTTPTypes
import Hummingbird
import NIOCore
import PulserIR
import Store

struct ArtifactsResource: Sendable {
    /// Types that a browser may show: nothing in them runs.
    private static let shown: Set<String> = [
        "application/json", "image/gif", "image/jpeg", "image/png", "image/webp", "text/markdown",
        "text/plain",
    ]
    /// Types that are shown as a page.
    private static let pages: Set<String> = ["text/html", "application/xhtml+xml"]

    /// What a step's page may do in its frame: look as it says. Nothing runs or is loaded.
    private static let pagePolicy =
        "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
        + "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"

    /// As what an artifact is asked for.
    private enum View: String, CaseIterable {
        /// As a page in a frame.
        case page
    }

    let runs: RunsResource
    let fetch: ArtifactFetch

    @Sendable
    func list(_ request: Request, _ context: GatewayContext) async throws -> Response {
        var query = try Query(request)
        let window = try ListWindow("artifacts", parts: 2, &query, request)
        try query.finish()
        let row = try await self.runs.run(context)
        let page = try await self.runs.store.artifactPage(
            row.id,
            after: window.cursor.first ?? "",
            window.cursor.last ?? "",
            limit: window.limit
        )
        return window.answer(
            "artifacts",
            page.rows.map(RunDocument.json),
            next: page.hasMore ? page.rows.last.map { [$0.step, $0.name] } : nil
        )
    }

    @Sendable
    func get(_ request: Request, _ context: GatewayContext) async throws -> Response {
        var query = try Query(request)
        let step = try query.text("step")
        let isInline = try query.bool("inline") ?? false
        let isPage = try query.choice("view", View.self) == .page
        try query.finish()
        let row = try await self.runs.run(context)
        let artifact = try await self.runs.store.artifact(
            row.id,
            name: try context.parameter("name"),
            step: step
        )
        var fields = Self.fields(artifact, isInline: isInline)
        if isPage { try Self.show(artifact, &fields) }
        let tag = EntityTag(artifact.digest)
        if request.has(tag) { return Response(status: .notModified, headers: fields) }
        let wanted = Self.range(request, tag, artifact.size)
        let range: Range<Int64>
        switch wanted {
        case .whole: range = 0..<artifact.size
        case .part(let part):
            range = part
            fields[.contentRange] =
                "bytes \(part.lowerBound)-\(part.upperBound - 1)/\(artifact.size)"
        case .outside:
            throw Problem(
                .rangeNotSatisfiable,
                "the artifact has \(artifact.size) bytes",
                next: "ask for bytes from 0 to \(max(0, artifact.size - 1))",
                fields: [.contentRange: "bytes */\(artifact.size)"]
            )
        }
        return Response(
            status: wanted == .whole ? .ok : .partialContent,
            headers: fields,
            body: try await self.body(row.id, artifact, range)
        )
    }

    /// A range of an older copy is answered with the whole.
    private static func range(_ request: Request, _ tag: EntityTag, _ size: Int64) -> ByteRange {
        if let condition = request.headers[.ifRange], condition != tag.field { return .whole }
        return ByteRange(request.headers[.range], size: size)
    }

    private func body(
        _ run: RunID,
        _ artifact: ArtifactRow,
        _ range: Range<Int64>
    ) async throws -> ResponseBody {
        if artifact.isInline,
            let bytes = try await self.runs.store.artifactContent(
                run,
                step: artifact.step,
                name: artifact.name
            )
        {
            // A retry may have put another one in its place since its size was read.
            guard bytes.count == Int(artifact.size) else {
                throw Problem(
                    .conflict,
                    "artifact '\(artifact.name)' was replaced while it was read",
                    next: "ask for it again"
                )
            }
            let part = bytes[Int(range.lowerBound)..<min(bytes.count, Int(range.upperBound))]
            return ResponseBody(byteBuffer: ByteBuffer(bytes: part))
        }
        let file = try await self.fetch.open(artifact)
        return ResponseBody(contentLength: range.count) { writer in
            var place = range.lowerBound
            while place < range.upperBound {
                let count = Int(min(Int64(BlobFolder.pieceBytes), range.upperBound - place))
                let from = place
                let bytes = try await BlobFolder.blocking { try file.read(at: from, count: count) }
                guard !bytes.isEmpty else { throw BlobError() }
                try await writer.write(ByteBuffer(bytes: bytes))
                place += Int64(bytes.count)
            }
            try await writer.finish(nil)
        }
    }

    private static func fields(_ artifact: ArtifactRow, isInline: Bool) -> HTTPFields {
        let isShown = isInline && Self.shown.contains(Self.type(artifact))
        var fields: HTTPFields = [:]
        fields[.contentType] =
            HTTPField.isValidValue(artifact.mediaType)
            ? artifact.mediaType : "application/octet-stream"
        fields[.contentDisposition] =
            (isShown ? "inline" : "attachment") + Self.filename(artifact.name)
        fields[.eTag] = EntityTag(artifact.digest).field
        fields[.acceptRanges] = "bytes"
        fields[.cacheControl] = "private, no-cache"
        let digest = Data(artifact.digest.bytes).base64EncodedString()
        fields[.reprDigest] = "sha-256=:\(digest):"
        return fields
    }

    /// Has a browser show an artifact as a page, and keep it from doing anything.
    ///
    /// - Throws: `invalidParameter` when it does not say that it is one.
    private static func show(_ artifact: ArtifactRow, _ fields: inout HTTPFields) throws(Problem) {
        guard Self.pages.contains(Self.type(artifact)) else {
            throw Query.problem("view", "only an artifact of type text/html is shown as a page")
        }
        fields[.contentType] = "text/html; charset=utf-8"
        fields[.contentDisposition] = "inline" + Self.filename(artifact.name)
        fields[.contentSecurityPolicy] = Self.pagePolicy
    }

    private static func type(_ artifact: ArtifactRow) -> String {
        artifact.mediaType.prefix { $0 != ";" && $0 != " " }.lowercased()
    }

    /// The last part of a name, for people and as RFC 8187 writes it.
    static func filename(_ name: String) -> String {
        let last = name.split(separator: "/").last.map(String.init) ?? "artifact"
        var plain = ""
        var encoded = ""
        for byte in last.utf8.prefix(200) {
            let isPlain =
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"),
                    UInt8(ascii: "_"):
                    true
                default: false
                }
            let letter = String(UnicodeScalar(byte))
            plain += isPlain ? letter : "_"
            let hex = String(byte, radix: 16, uppercase: true)
            encoded += isPlain ? letter : "%" + (hex.count == 1 ? "0" : "") + hex
        }
        return "; filename=\"\(plain)\"; filename*=UTF-8''\(encoded)"
    }
}
