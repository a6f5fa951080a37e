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
            return self.unknown(request, context)
        } catch {
            var problem = Problem(error)
            if problem.code == .notFound, problem.next == nil {
                problem.next = self.list(above: request.uri.path)
            }
            return problem.response(context)
        }
    }

    /// Where to look for what is not there: the list that the path begins with.
    private func list(above path: String) -> String? {
        let lists = self.routes.filter {
            $0.method == .get && !$0.path.contains("{") && path.hasPrefix($0.path + "/")
        }
        return lists.max { $0.path.count < $1.path.count }
            .map { "GET \($0.path) lists what there is" }
    }

    /// Nobody answers: the path is unknown, or the method is.
    private func unknown(_ request: Request, _ context: GatewayContext) -> Response {
        let path = request.uri.path
        // A path that is written out is meant before one with a parameter in its place.
        var known = self.routes.filter { $0.matches(path[...]) }
        if known.contains(where: { $0.path == path }) { known.removeAll { $0.path != path } }
        var methods = known.map(\.method.rawValue)
        guard !methods.isEmpty else {
            return Problem(
                .notFound,
                "there is nothing at this path",
                next: "/v1/openapi.json lists what there is"
            ).response(context)
        }
        if methods.contains("GET") { methods.append("HEAD") }
        methods.append("OPTIONS")
        let allowed = Set(methods).sorted().joined(separator: ", ")
        if request.method == .options { return .empty([.allow: allowed]) }
        return Problem(
            .methodNotAllowed,
            "this path does not know \(request.method.rawValue)",
            next: (["use \(allowed)"] + [self.list(above: path)].compactMap { $0 })
                .joined(separator: "; "),
            fields: [.allow: allowed]
        ).response(context)
    }
}
