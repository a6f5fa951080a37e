// `/v1/uploads`: files for the inputs of runs, taken in as they come and named by their digest.

import FoundationEssentials
import HTTPTypes
import Hummingbird
import NIOCore
import PulserIR

struct UploadsResource: Sendable {
    /// Uploads at once; one more is told to come back.
    static let uploadsMax = 8

    let folder: UploadFolder
    let gate: RequestGate

    /// Takes a file in.
    @Sendable
    func create(_ request: Request, _ context: GatewayContext) async throws -> Response {
        try Query(request).finish()
        try request.checkCoding()
        let expected = try Self.expected(request)
        let limit = Limits.artifactBytesMax
        let tooLarge = Problem(
            .bodyTooLarge,
            "an upload has at most \(limit) bytes",
            next: "split it"
        )
        if let text = request.headers[.contentLength], let length = Int(text), length > limit {
            throw tooLarge
        }
        guard self.gate.enter() else {
            throw Problem(
                .overloaded,
                "\(Self.uploadsMax) uploads are under way",
                next: "send it again in a second",
                fields: [.retryAfter: "1"]
            )
        }
        defer { self.gate.leave() }
        let writer = try await self.folder.make()
        var waiting: [UInt8] = []
        for try await chunk in request.body {
            waiting += chunk.readableBytesView
            guard writer.size + Int64(waiting.count) <= Int64(limit) else { throw tooLarge }
            if waiting.count >= BlobFolder.pieceBytes {
                try await writer.append(waiting)
                waiting.removeAll(keepingCapacity: true)
            }
        }
        if !waiting.isEmpty { try await writer.append(waiting) }
        guard let digest = writer.digest else { throw BlobError() }
        for given in expected where given != digest {
            throw Problem(
                .invalidBody,
                "the body's digest is \(digest), not the one that was announced",
                next: "send it again"
            )
        }
        try await writer.keep(digest)
        return Self.answer(digest, writer.size, .created)
    }

    /// Whether a file is here.
    @Sendable
    func get(_ request: Request, _ context: GatewayContext) async throws -> Response {
        try Query(request).finish()
        guard let digest = Digest(try context.parameter("digest")) else {
            throw Query.problem("digest", "a digest is 'sha256:' and 64 hexadecimal digits")
        }
        guard let file = try await self.folder.open(digest) else {
            throw Problem(
                .notFound,
                "there is no such file on this node",
                next: "upload it: POST /v1/uploads"
            )
        }
        return Self.answer(digest, file.size, .ok)
    }

    private static func answer(
        _ digest: Digest,
        _ size: Int64,
        _ status: HTTPResponse.Status
    ) -> Response {
        .json(
            .object([
                "version": .integer(1), "digest": .string(digest.description),
                "size": .integer(size),
                "input": .string(RunInputs.uploadMark + digest.description),
            ]),
            status: status,
            fields: [.location: "/v1/uploads/\(digest)"]
        )
    }

    /// The SHA-256 that the caller announces (RFC 9530).
    private static func expected(_ request: Request) throws(Problem) -> [Digest] {
        var digests: [Digest] = []
        for field in [HTTPField.Name.contentDigest, .reprDigest] {
            guard let text = request.headers[field] else { continue }
            for part in text.split(separator: ",") {
                let entry = part.filter { $0 != " " }
                // Other algorithms may stand beside the one that is checked.
                guard entry.lowercased().hasPrefix("sha-256=:"), entry.hasSuffix(":") else {
                    continue
                }
                guard let data = Data(base64Encoded: String(entry.dropFirst(9).dropLast())),
                    let digest = Digest(bytes: Array(data))
                else {
                    throw Problem(
                        .badRequest,
                        "\(field) holds no SHA-256",
                        next: "write it as sha-256=:BASE64:"
                    )
                }
                digests.append(digest)
            }
        }
        return digests
    }
}
