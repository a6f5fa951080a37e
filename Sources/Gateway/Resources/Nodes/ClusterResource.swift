// `/v1/cluster`, `/v1/shards`, one node of `/v1/nodes` and why a run does not run: operating a cluster.

import Hummingbird
import PulserIR
import Store

struct ClusterResource: Sendable {
    let store: Store

    @Sendable
    func status(_ request: Request, _ context: GatewayContext) async throws -> Response {
        try Query(request).finish()
        return .json(ClusterDocument.json(try await self.store.clusterStatus()))
    }

    @Sendable
    func shards(_ request: Request, _ context: GatewayContext) async throws -> Response {
        var query = try Query(request)
        let name = try query.text("node")
        let state = try query.choice("state", ShardState.self)
        try query.finish()
        let status = try await self.store.clusterStatus()
        let owner = try name.map { text throws(StoreError) in
            try ClusterDocument.node(text, among: status.nodes).node.epoch
        }
        let shards = try await self.store.shards(of: owner, in: state)
        return .json(
            .object([
                "version": .integer(1),
                "shards": .array(shards.map { ClusterDocument.json($0, status.view) }),
            ])
        )
    }

    /// Has shards go to a node; the answer comes before they are there.
    @Sendable
    func move(_ request: Request, _ context: GatewayContext) async throws -> Response {
        try Query(request).finish()
        var body = try JSONBody(try await request.json())
        let shards = Self.shards(&body)
        let name = body.text("to")
        if name == nil { body.note("to", "'to' must name a node") }
        let isDry = body.bool("dry_run") ?? false
        try body.finish()
        return .json(try await self.desk.move(shards, to: name ?? "", isDry: isDry))
    }

    /// Moves at most one round of shards.
    @Sendable
    func rebalance(_ request: Request, _ context: GatewayContext) async throws -> Response {
        try Query(request).finish()
        var isDry = false
        if var body = try await request.optionalBody() {
            isDry = body.bool("dry_run") ?? false
            try body.finish()
        }
        return .json(try await self.desk.rebalance(isDry: isDry))
    }

    private var desk: ShardDesk { ShardDesk(store: self.store) }

    /// The numbers of shards in a body.
    private static func shards(_ body: inout JSONBody) -> [Int32] {
        let items = body.array("shards") ?? []
        let shards = items.compactMap { $0.integerValue.flatMap(Int32.init(exactly:)) }
            .filter { (0...1_023).contains($0) }
        if shards.isEmpty || shards.count != items.count || items.count > 1_024 {
            body.note("shards", "'shards' must be 1 to 1,024 numbers from 0 to 1,023")
        }
        return shards
    }

    @Sendable
    func node(_ request: Request, _ context: GatewayContext) async throws -> Response {
        try Query(request).finish()
        return try await self.answer(self.named(context))
    }

    @Sendable
    func drain(_ request: Request, _ context: GatewayContext) async throws -> Response {
        try await self.change(request, context) { node throws(StoreError) in
            try await self.store.drain(node)
        }
    }

    @Sendable
    func undrain(_ request: Request, _ context: GatewayContext) async throws -> Response {
        try await self.change(request, context) { node throws(StoreError) in
            try await self.store.undrain(node)
        }
    }

    /// Declares a node dead; the answer is the node as it was.
    @Sendable
    func evict(_ request: Request, _ context: GatewayContext) async throws -> Response {
        try await Self.finish(request)
        let node = try await self.named(context)
        try await self.store.evict(node.node.epoch)
        return try self.answer(node)
    }

    @Sendable
    func why(_ request: Request, _ context: GatewayContext) async throws -> Response {
        try Query(request).finish()
        let run = try await self.store.resolveRun(try context.parameter("id"))
        let standing = try await self.store.standing(of: run)
        var obstacle: LaneObstacle?
        if WhyDocument.isForOwner(standing), let courier = self.store.news.courier {
            obstacle = await courier.obstacle(of: try await self.store.run(run).lane)
        }
        let worker = try await self.store.worker(of: standing)
        let deadlines = try await self.store.deadlines(of: run)
        return .json(
            WhyDocument.json(standing, obstacle: obstacle, worker: worker, deadlines: deadlines)
        )
    }

    /// Changes the node of the path; the answer is the node as it is then.
    private func change(
        _ request: Request,
        _ context: GatewayContext,
        _ body: (NodeEpoch) async throws(StoreError) -> Void
    ) async throws -> Response {
        try await Self.finish(request)
        let node = try await self.named(context).node.epoch
        try await body(node)
        let status = try await self.store.clusterStatus()
        return try self.answer(ClusterDocument.node(String(node.number), among: status.nodes))
    }

    /// These take nothing but their path.
    private static func finish(_ request: Request) async throws {
        try Query(request).finish()
        if var body = try await request.optionalBody() { try body.finish() }
    }

    private func named(_ context: GatewayContext) async throws -> NodeStanding {
        let status = try await self.store.clusterStatus()
        return try ClusterDocument.node(try context.parameter("node"), among: status.nodes)
    }

    private func answer(_ node: NodeStanding) throws -> Response {
        guard case .object(var members) = ClusterDocument.json(node) else { return .empty() }
        members["version"] = .integer(1)
        return .json(.object(members))
    }
}
