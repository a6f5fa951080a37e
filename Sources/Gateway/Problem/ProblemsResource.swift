// What a problem's type leads to: the kind, explained.

import HTTPTypes
import Hummingbird
import PulserIR

/// `/v1/problems`.
struct ProblemsResource: Sendable {
    /// Says what a code means.
    @Sendable
    func get(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let name = try context.parameter("code")
        guard let code = Problem.Code(rawValue: name) else {
            throw Problem(
                .notFound,
                "there is no problem of that name",
                next: "/v1/openapi.json lists the codes"
            )
        }
        return .json(
            .object([
                "code": .string(code.rawValue),
                "status": .integer(Int64(code.status)),
                "title": .string(code.title),
                "next": .string(code.next),
            ])
        )
    }
}
