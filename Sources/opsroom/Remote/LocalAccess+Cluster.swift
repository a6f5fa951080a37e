// Operating a cluster from a data directory.

import ControlRoom
import Gateway
import PulserIR
import Store

extension LocalAccess {
    func cluster() async throws -> JSONValue {
        ClusterDocument.json(try await self.client.store.clusterStatus())
    }

    func shards(of node: String?, in state: ShardState?) async throws -> [JSONValue] {
        let status = try await self.client.store.clusterStatus()
        let owner = try node.map { text throws(StoreError) in
            try ClusterDocument.node(text, among: status.nodes).node.epoch
        }
        return try await self.client.store.shards(of: owner, in: state)
            .map { ClusterDocument.json($0, status.view) }
    }

    func move(_ shards: [Int32], to node: String, isDry: Bool) async throws -> JSONValue {
        let desk = ShardDesk(store: self.client.store)
        return try await Self.naming { () throws(StoreError) in
            try await desk.move(shards, to: node, isDry: isDry)
        }
    }

    func rebalance(isDry: Bool) async throws -> JSONValue {
        try await ShardDesk(store: self.client.store).rebalance(isDry: isDry)
    }

    func retention() async throws -> JSONValue {
        try await RetentionDesk(store: self.client.store).document()
    }

    func setRetention(
        runs: Retention?,
        events: Retention?,
        isDry: Bool
    ) async throws -> JSONValue {
        try await RetentionDesk(store: self.client.store)
            .change(runs: runs, events: events, isDry: isDry)
    }

    func why(_ id: RunID) async throws -> JSONValue {
        let standing = try await self.client.store.standing(of: id)
        let worker = try await self.client.store.worker(of: standing)
        let deadlines = try await self.client.store.deadlines(of: id)
        return WhyDocument.json(standing, worker: worker, deadlines: deadlines)
    }

    func node(_ name: String) async throws -> JSONValue {
        ClusterDocument.json(try await self.standing(name))
    }

    func change(_ name: String, _ verb: NodeVerb) async throws -> JSONValue {
        let store = self.client.store
        let node = try await self.standing(name)
        switch verb {
        case .drain: try await store.drain(node.node.epoch)
        case .undrain: try await store.undrain(node.node.epoch)
        case .evict:
            try await store.evict(node.node.epoch)
            return ClusterDocument.json(node)
        }
        return try await self.node(String(node.node.epoch.number))
    }

    private func standing(_ name: String) async throws -> NodeStanding {
        try await Self.naming { () throws(StoreError) in
            let status = try await self.client.store.clusterStatus()
            return try ClusterDocument.node(name, among: status.nodes)
        }
    }

    /// The command that lists nodes, where one was meant that is not there or not fit.
    private static func naming<Value>(
        _ body: () async throws(StoreError) -> Value
    ) async throws -> Value {
        do throws(StoreError) {
            return try await body()
        } catch {
            var failure = RoomError(error)
            if [.notFound, .conflict].contains(error.code) { failure.next = "opsroom nodes list" }
            throw failure
        }
    }
}
