// What is counted of one route; made once, because making a metric costs more than a request.

import Hummingbird
import Metrics

/// The numbers of one route.
struct RouteMetrics: Sendable {
    private let time: Timer
    private let counts: [Counter]

    init(_ route: String) {
        self.time = GatewayMetrics.request(route)
        self.counts = (1...5).map { GatewayMetrics.requests(route, "\($0)xx") }
    }

    /// Counts one request.
    func measuring(_ body: () async throws -> Response) async throws -> Response {
        let began = ContinuousClock.now
        do {
            let response = try await body()
            self.record(response.status.code, since: began)
            return response
        } catch {
            self.record(Problem(error).status, since: began)
            throw error
        }
    }

    private func record(_ status: Int, since began: ContinuousClock.Instant) {
        self.time.record(duration: ContinuousClock.now - began)
        self.counts[min(max(status / 100, 1), 5) - 1].increment()
    }
}
