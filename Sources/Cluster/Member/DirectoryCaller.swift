// Asks the directory that decides what the machine wants to know, one call for each request.

internal import PulserIR
internal import StateMachines
internal import Store

/// A node's requests as calls of the directory.
struct DirectoryCaller: Sendable {
    let directory: any ClusterDirectory
    let me: NodeEpoch

    /// Asks.
    ///
    /// - Parameters:
    ///   - request: What.
    ///   - horizon: Where the last reading of the shards ended.
    /// - Returns: The answer, and where a reading of the shards ended.
    /// - Throws: What the directory throws when it cannot answer.
    func ask(
        _ request: DirectoryRequest,
        horizon: Int64?
    ) async throws(StoreError) -> (DirectoryAnswer, horizon: Int64?) {
        switch request {
        case .renew: return (.renewed(try await self.directory.renew(self.me)), nil)
        case .reap: return (.reaped(try await self.directory.reap(by: self.me)), nil)
        case .view: return (.view(try await self.directory.view()), nil)
        case .shards:
            let changes = try await self.directory.shards(changedSince: horizon)
            return (.shards(changes.shards), changes.horizon)
        case .activate, .drain, .leave: return (.done(try await self.change(request)), nil)
        case .suspect, .clear, .evict: return (.done(try await self.vote(request)), nil)
        case .elect, .prolong, .resign, .assign, .mark, .force:
            return (try await self.coordinate(request), nil)
        case .start, .handOver, .release, .decline: return (try await self.own(request), nil)
        }
    }

    /// - Returns: Whether the node has the status; not when it is dead.
    private func change(_ request: DirectoryRequest) async throws(StoreError) -> Bool {
        do {
            switch request {
            case .activate: try await self.directory.activate(self.me)
            case .drain: try await self.directory.drain(self.me)
            default: try await self.directory.leave(self.me)
            }
            return true
        } catch {
            guard error.code == .stale || error.code == .notFound else { throw error }
            return false
        }
    }

    private func vote(_ request: DirectoryRequest) async throws(StoreError) -> Bool {
        switch request {
        case .suspect(let node, let isHard):
            return try await self.directory.suspect(node, by: self.me, isHard: isHard)
        case .evict(let node, let isHard):
            return try await self.directory.evict(node, by: self.me, isHard: isHard)
        case .clear(let node):
            try await self.directory.clear(node, by: self.me)
            return true
        default: return false
        }
    }

    /// Orders of a term that is over change nothing; prolonging it tells that it is over.
    private func coordinate(
        _ request: DirectoryRequest
    ) async throws(StoreError) -> DirectoryAnswer {
        switch request {
        case .elect: return .elected(try await self.directory.elect(self.me))
        case .prolong(let term): return .done(try await self.directory.prolong(term))
        case .resign(let term): try await self.directory.resign(term)
        case .assign(let term, let placements):
            _ = try await self.directory.assign(term, Self.pairs(placements))
        case .mark(let term, let placements):
            _ = try await self.directory.mark(term, Self.pairs(placements))
        case .force(let term, let shards): _ = try await self.directory.force(term, shards)
        default: return .failed
        }
        return .done(true)
    }

    private func own(_ request: DirectoryRequest) async throws(StoreError) -> DirectoryAnswer {
        switch request {
        case .start(let shards):
            let rows = try await self.directory.start(self.me, shards)
            let served = Set(
                rows.filter { $0.state == .running }
                    .map { OwnedShard(shard: $0.shard, generation: $0.generation) }
            )
            return .owned(shards.filter { served.contains($0) })
        case .handOver(let shard, let target):
            return .handedOver(
                try await self.directory.handOver(self.me, shard, to: target)
            )
        case .release(let shards):
            let released = Set(try await self.directory.release(self.me, shards))
            return .owned(shards.filter { released.contains($0.shard) })
        case .decline(let shards):
            let kept = Set(try await self.directory.decline(self.me, shards))
            return .owned(shards.filter { kept.contains($0.shard) })
        default: return .failed
        }
    }

    private static func pairs(_ placements: [Placement]) -> [Int32: NodeEpoch] {
        Dictionary(placements.map { ($0.shard, $0.node) }) { first, _ in first }
    }
}
