// Decides what one node asks and orders, with the answers of a directory that always says yes.

import PulserIR
import StateMachines
import Testing

@Suite
struct NodeMachineTests {
    /// One node of three, with an own copy of the tables.
    private struct Stage {
        static let me = NodeEpoch(1)
        static let others = [NodeEpoch(2), NodeEpoch(3)]

        var machine = NodeMachine(me: Self.me, joinedAt: .zero, at: .zero)
        var now: Duration = .zero
        /// Who answers probes, and calls this node.
        var answering = Set(Self.others)
        var shards = (0..<12).map {
            ShardView(shard: $0, owner: Self.me, generation: 1, state: .running)
        }
        var hasLeft = false
        /// How often the node said that it takes part.
        var readies = 0
        /// Whether activations come to pass without an answer, as when the server dies right behind it.
        var losesActivation = false
        private var isActive = false
        /// Whom shards were handed to, in order.
        var takers: [NodeEpoch] = []

        private var view: ClusterView {
            let nodes = ([Self.me] + Self.others).map { node in
                NodeView(
                    epoch: node,
                    name: "n\(node.number)",
                    address: "n\(node.number)",
                    endpoint: "n\(node.number):1",
                    status: node == Self.me ? self.status : .active,
                    leaseLeft: .seconds(10)
                )
            }
            return ClusterView(version: 1, nodes: nodes, coordinator: Self.term)
        }

        private var status: NodeStatus { self.isActive ? .active : self.machine.status }

        private static let term = CoordinatorTerm(node: NodeEpoch(3), epoch: 1)

        /// Lets time pass.
        mutating func pass(_ time: Duration) {
            let end = self.now + time
            while self.now < end, !self.hasLeft {
                self.now = min(end, max(self.now, self.machine.wakeAt))
                self.handle(.tick)
                for node in self.answering { self.handle(.called(node, viewVersion: 1)) }
            }
        }

        mutating func handle(_ event: NodeMachine.Event) {
            for action in self.machine.handle(event, at: self.now) {
                switch action {
                case .ask(let request, let id):
                    self.handle(.answered(id: id, self.answer(request)))
                case .probe(let node, let id, let via):
                    let isHeard = self.answering.contains(node)
                    if isHeard || via != nil {
                        self.handle(.probed(node, id: id, isHeard ? .alive : .unreachable))
                    }
                case .shard(.settle(let shard)): self.handle(.settled([shard]))
                case .left: self.hasLeft = true
                case .ready: self.readies += 1
                default: break
                }
            }
        }

        private mutating func answer(_ request: DirectoryRequest) -> DirectoryAnswer {
            switch request {
            case .renew:
                return .renewed(
                    Renewal(
                        viewVersion: 1,
                        status: self.status,
                        coordinator: Self.term
                    )
                )
            case .activate where self.losesActivation:
                // Told apart only the first time: what is active is not activated again.
                defer { self.isActive = true }
                return self.isActive ? .done(false) : .failed
            case .view: return .view(self.view)
            case .shards: return .shards(self.shards)
            case .reap: return .reaped([])
            case .handOver(let shard, let target):
                self.takers.append(target)
                self.shards[Int(shard.shard)].owner = target
                self.shards[Int(shard.shard)].generation += 1
                return .handedOver(shard.generation + 1)
            default: return .done(true)
            }
        }
    }

    @Test("a node that takes part says so once, also when the answer to its activation was lost")
    func ready() {
        for isLost in [false, true] {
            var stage = Stage()
            stage.losesActivation = isLost
            stage.pass(.seconds(5))
            #expect(stage.machine.status == .active && stage.readies == 1)
        }
    }

    @Test("a node that leaves hands its shards to all that answer")
    func leaving() {
        var stage = Stage()
        stage.pass(.seconds(5))
        #expect(stage.machine.status == .active)
        stage.handle(.leave)
        stage.pass(.seconds(5))
        #expect(stage.takers.count == 12)
        for node in Stage.others { #expect(stage.takers.count { $0 == node } > 3) }
    }

    @Test("who answers nobody gets no shards, unless nobody answers")
    func suspects() {
        var stage = Stage()
        stage.pass(.seconds(5))
        stage.answering = [NodeEpoch(3)]
        // Three probes are missed, the last one through the other peer.
        stage.pass(.seconds(4))
        stage.handle(.leave)
        stage.pass(.seconds(5))
        #expect(stage.takers == Array(repeating: NodeEpoch(3), count: 12))
        var silent = Stage()
        silent.pass(.seconds(5))
        silent.answering = []
        silent.pass(.seconds(4))
        silent.handle(.leave)
        silent.pass(.seconds(5))
        #expect(silent.takers.count == 12)
        for node in Stage.others { #expect(silent.takers.count { $0 == node } > 3) }
    }
}
