// Decides how a member acts on what the machine says: shards, silence of the database, its own end.

import PulserIR
import StateMachines
import Store
import Synchronization
import TestKit
import Testing

@testable import Cluster

/// Works shards by writing down what it is told; what is to settle is at rest at once.
final class WrittenHost: ShardHost {
    private struct State {
        var served: Set<OwnedShard> = []
        var ended: [OwnedShard] = []
        var trusted: [Bool] = []
    }

    private let state = Mutex(State())

    var served: Set<OwnedShard> { self.state.withLock(\.served) }
    var ended: [OwnedShard] { self.state.withLock(\.ended) }
    var trusted: [Bool] { self.state.withLock(\.trusted) }

    func perform(
        _ actions: [ShardOwnerMachine.Action],
        settled: @escaping @Sendable ([OwnedShard]) -> Void
    ) async {
        let resting = self.state.withLock { state in
            var resting: [OwnedShard] = []
            for action in actions {
                switch action {
                case .begin(let shard, _): state.served.insert(shard)
                case .settle(let shard): resting.append(shard)
                case .resume: break
                case .stop(let shard), .forward(let shard, _, _):
                    state.served.remove(shard)
                    state.ended.append(shard)
                }
            }
            return resting
        }
        if !resting.isEmpty { settled(resting) }
    }

    func trust(_ isTrusted: Bool) { self.state.withLock { $0.trusted.append(isTrusted) } }
}

@Suite(.timeLimit(.minutes(1)))
struct MemberTests {
    private let directory = MemoryDirectory()
    private let host = WrittenHost()

    /// Runs a member beside `body`.
    ///
    /// - Returns: How the member ended; `body` must have it end.
    private func live(
        onAvailability: @escaping @Sendable (String?) -> Void = { _ in },
        _ body: @escaping @Sendable (MemberActor, NodeEpoch) async throws -> Void
    ) async throws -> MemberActor.Ending {
        let joinedAt = NodeClock.now
        let node = NewNode(name: "n", address: "a", build: "test")
        let epoch = try await self.directory.join(node)
        let member = MemberActor(
            epoch,
            joinedAt: joinedAt,
            directory: self.directory,
            host: self.host,
            logger: ClusterBed.quiet,
            onAvailability: onAvailability
        )
        return try await withThrowingTaskGroup(of: MemberActor.Ending?.self) { group in
            let (ready, isReady) = AsyncStream<Void>.makeStream()
            group.addTask { await member.run(prober: nil) { isReady.finish() } }
            group.addTask {
                for await _ in ready {}
                try await body(member, epoch)
                return nil
            }
            defer { group.cancelAll() }
            var ending: MemberActor.Ending?
            while let next = try await group.next() { ending = ending ?? next }
            return try #require(ending)
        }
    }

    @Test("a member alone serves every shard, and leaves none behind when it leaves")
    func alone() async throws {
        let (directory, host) = (self.directory, self.host)
        let ending = try await self.live { member, epoch in
            try await eventually("all shards are served") { host.served.count == 8 }
            #expect(directory.statuses[epoch] == .active)
            #expect(directory.shards.allSatisfy { $0.state == .running && $0.owner == epoch })
            #expect(member.view.place(of: 3)?.owner == epoch)
            try await eventually("calls find it served") {
                member.view.place(of: 3)?.isHandingOff == false
            }
            member.leave()
        }
        #expect(ending == .left)
        #expect(host.ended.count == 8 && host.served.isEmpty)
        #expect(directory.shards.allSatisfy { $0.state == .free })
        #expect(directory.statuses.isEmpty)
        #expect(host.trusted == [false], "nothing has effects after the end")
    }

    @Test("what others did to its shards is seen by whoever asks again")
    func refresh() async throws {
        let host = self.host
        let directory = self.directory
        _ = try await self.live { member, epoch in
            try await eventually("all shards are served") { host.served.count == 8 }
            let row = directory.shards[5]
            let other = NodeEpoch(99)
            let owned = OwnedShard(shard: 5, generation: row.generation)
            _ = try await directory.handOver(epoch, owned, to: other)
            await member.view.refresh(shard: 5)
            #expect(member.view.place(of: 5)?.owner == other)
            try await eventually("it is stopped here") { host.ended.contains(owned) }
            member.leave()
        }
    }

    @Test("one that others declared dead ends, without effects")
    func dead() async throws {
        let host = self.host
        let directory = self.directory
        let ending = try await self.live { member, epoch in
            try await eventually("all shards are served") { host.served.count == 8 }
            directory.bury(epoch)
            member.notified()
        }
        #expect(ending == .dead)
        #expect(host.trusted.last == false)
    }

    @Test("a database that does not answer is told once, and once when it answers again")
    func outage() async throws {
        let host = self.host
        let directory = self.directory
        let told = Mutex<[String?]>([])
        _ = try await self.live(
            onAvailability: { reason in told.withLock { $0.append(reason) } },
            { member, _ in
                try await eventually("all shards are served") { host.served.count == 8 }
                directory.isSilent = true
                try await eventually("it is told") { told.withLock { !$0.isEmpty } }
                // More requests fail meanwhile.
                for _ in 0..<3 { await member.view.refresh(shard: 0) }
                directory.isSilent = false
                try await eventually("it is back") { told.withLock { $0.count == 2 } }
                member.leave()
            }
        )
        #expect(told.withLock { $0.map { $0 != nil } } == [true, false])
        #expect(told.withLock { $0.first??.contains("no answer") } == true)
    }
}
