// What a member of the cluster knows, for those who must not wait: calls, probes.

internal import HTTP2
internal import PulserIR
internal import StateMachines
internal import Synchronization

/// The cluster as ``MemberActor`` last read it.
///
/// Answers from memory, from any thread. What it hears of goes to the actor, which looks it up.
final class MemberView: Directory {
    private struct State {
        var version: Int64 = 0
        /// The newest version that anybody has told.
        var heard: Int64 = 0
        var places: [ShardPlace] = []
        var addresses: [NodeEpoch: NodeAddress] = [:]
    }

    private let state = Mutex(State())
    private let events: AsyncStream<NodeMachine.Event>.Continuation
    private let lookup: @Sendable () async -> Void

    /// A view of a node that has read nothing.
    ///
    /// - Parameters:
    ///   - events: Where what is heard goes.
    ///   - lookup: Reads the shards; returns when that is done.
    init(
        events: AsyncStream<NodeMachine.Event>.Continuation,
        lookup: @escaping @Sendable () async -> Void
    ) {
        self.events = events
        self.lookup = lookup
    }

    /// Takes what the machine knows by now.
    func update(from machine: NodeMachine) {
        let places = machine.shards.map { row in
            // A shard that is not served yet, or not any more, is on its way wherever it goes.
            let isMine = row.owner == machine.me
            let isServed =
                !isMine || machine.admission(row.shard, generation: row.generation) == .admit
            return ShardPlace(
                owner: row.owner,
                generation: row.generation,
                isHandingOff: !isServed || row.state == .handingOff
            )
        }
        var addresses: [NodeEpoch: NodeAddress] = [:]
        for node in machine.view.nodes {
            var address = NodeAddress(endpoint: node.endpoint)
            // Its certificate is made out for the node, wherever that listens.
            address?.serverName = NodeNames.dnsName(ofNode: node.name)
            addresses[node.epoch] = address
        }
        self.state.withLock { state in
            state.version = machine.view.version
            state.places = places
            state.addresses = addresses
        }
    }

    // MARK: Directory

    var version: Int64 { self.state.withLock { $0.version } }

    func place(of shard: Int32) -> ShardPlace? {
        self.state.withLock { state in
            state.places.indices.contains(Int(shard)) ? state.places[Int(shard)] : nil
        }
    }

    func address(of node: NodeEpoch) -> NodeAddress? { self.state.withLock { $0.addresses[node] } }

    var nodes: [NodeEpoch] { self.state.withLock { Array($0.addresses.keys) } }

    func heard(of version: Int64) {
        let isNews = self.state.withLock { state in
            guard version > state.version, version > state.heard else { return false }
            state.heard = version
            return true
        }
        if isNews { self.events.yield(.notified) }
    }

    func greeted(by node: NodeEpoch, version: Int64) {
        self.events.yield(.called(node, viewVersion: version))
    }

    func refresh(shard: Int32) async { await self.lookup() }
}

extension NodeAddress {
    /// Reads `host:port`, `[host]:port` for IPv6; `nil` for anything else.
    public init?(endpoint: String) {
        guard let colon = endpoint.lastIndex(of: ":"),
            let port = UInt16(endpoint[endpoint.index(after: colon)...]), port > 0
        else { return nil }
        var host = endpoint[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        guard !host.isEmpty else { return nil }
        self.init(host: String(host), port: Int(port))
    }
}
