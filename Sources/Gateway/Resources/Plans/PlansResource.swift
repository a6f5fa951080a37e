// `/v1/plans`: check without storing, store by digest, read for ever.

import Compiler
import HTTPTypes
import Hummingbird
import PulserIR
import Store

struct PlansResource: Sendable {
    let store: Store

    /// What is wrong or odd about a plan; nothing is stored.
    @Sendable
    func check(_ request: Request, _ context: GatewayContext) async throws -> Response {
        try Query(request).finish()
        let files = try await PlanSource.files(request)
        var members: [String: JSONValue] = ["version": .integer(1)]
        do {
            let compiled = try files.compile()
            members["valid"] = .bool(true)
            members["digest"] = .string(compiled.digest.description)
            members["name"] = .string(compiled.plan.name)
            members["steps"] = .integer(Int64(compiled.plan.steps.count))
            members["diagnostics"] = .array(compiled.warnings.map(PlanDocument.json))
        } catch let error as CompileError {
            members["valid"] = .bool(false)
            members["diagnostics"] = .array(error.diagnostics.map(PlanDocument.json))
        }
        return .json(.object(members))
    }

    /// Compiles and stores a plan with all it runs.
    @Sendable
    func create(_ request: Request, _ context: GatewayContext) async throws -> Response {
        try Query(request).finish()
        let compiled = try await PlanSource.files(request).compile()
        try await self.store.storePlans(compiled.rows)
        return .json(
            .object([
                "version": .integer(1), "digest": .string(compiled.digest.description),
                "name": .string(compiled.plan.name),
                "diagnostics": .array(compiled.warnings.map(PlanDocument.json)),
            ]),
            status: .created,
            fields: [.location: "/v1/plans/\(compiled.digest)"]
        )
    }

    /// The canonical JSON; it never changes.
    @Sendable
    func get(_ request: Request, _ context: GatewayContext) async throws -> Response {
        try Query(request).finish()
        let digest = try Self.digest(context)
        let tag = EntityTag(digest)
        var fields: HTTPFields = [.cacheControl: "private, max-age=31536000, immutable"]
        fields[.eTag] = tag.field
        let text = try await self.store.planText(digest)
        if request.has(tag) { return Response(status: .notModified, headers: fields) }
        fields[.contentType] = "application/json"
        return Response(
            status: .ok,
            headers: fields,
            body: ResponseBody(byteBuffer: ByteBuffer(string: text))
        )
    }

    /// The steps as they are drawn: the same for the same plan.
    @Sendable
    func graph(_ request: Request, _ context: GatewayContext) async throws -> Response {
        try Query(request).finish()
        let digest = try Self.digest(context)
        let json = GraphDocument.json(try await self.store.plan(digest), digest)
        return .document(json, EntityTag(json), for: request)
    }

    private static func digest(_ context: GatewayContext) throws(Problem) -> Digest {
        guard let digest = Digest(try context.parameter("digest")) else {
            throw Query.problem("digest", "a digest is 'sha256:' and 64 hexadecimal digits")
        }
        return digest
    }
}
