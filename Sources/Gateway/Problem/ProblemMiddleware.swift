// Turns whatever a handler throws, and paths or methods nobody answers, into problem documents.

import HTTPTypes
import Hummingbird

/// The outermost layer of every route.
struct ProblemMiddleware: RouterMiddleware {
    typealias Context = GatewayContext

    let routes: [Route]

    func handle(
        _ request: Request,
        context: GatewayContext,
        next: @concurrent (Request, GatewayContext) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch let error as HTTPError where error.status == .notFound && error.body == nil {
            return self.unknown(request).response(context)
        } catch {
            return Problem(error).response(context)
        }
    }

    /// Nobody answers: the path is unknown, or the method is.
    private func unknown(_ request: Request) -> Problem {
        let path = request.uri.path
        var methods = self.routes.filter { $0.matches(path[...]) }.map(\.method.rawValue)
        guard !methods.isEmpty else {
            return Problem(
                .notFound,
                "there is nothing at this path",
                next: "/v1/openapi.json lists what there is"
            )
        }
        if methods.contains("GET") { methods.append("HEAD") }
        let allowed = Set(methods).sorted().joined(separator: ", ")
        return Problem(
            .methodNotAllowed,
            "this path does not know \(request.method.rawValue)",
            next: "use \(allowed)",
            fields: [.allow: allowed]
        )
    }
}
