// `/v1/nodes`: who shares the work, and what each holds.

import Hummingbird
import PulserIR
import Store

struct NodesResource: Sendable {
    let store: Store

    @Sendable
    func list(_ request: Request, _ context: GatewayContext) async throws -> Response {
        var query = try Query(request)
        let window = try ListWindow("nodes", &query, request)
        let dead = try query.bool("dead") ?? false
        try query.finish()
        let page = try await self.store.nodePage(
            after: try window.number(),
            includingDead: dead,
            limit: window.limit
        )
        let load = try await self.store.clusterLoad()
        return window.answer(
            "nodes",
            page.rows.map(NodeDocument.json),
            next: page.next.map { [String($0)] },
            [
                "active": .integer(Int64(load.activeNodes)),
                "free_shards": .integer(Int64(load.freeShards)),
            ]
        )
    }
}
