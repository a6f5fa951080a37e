// The cluster, its nodes and shards as JSON: the shapes that the API and `-o json` promise.

public import PulserIR
public import Store

/// What operators are told of a cluster.
public enum ClusterDocument {
    /// The whole cluster.
    ///
    /// - Parameter status: What the database says.
    /// - Returns: The document, with its version.
    public static func json(_ status: ClusterStatus) -> JSONValue {
        let names = Self.names(status.view)
        let coordinator: JSONValue =
            status.view.coordinator.map { term in
                .object([
                    "node": .integer(term.node.number), "name": names(term.node),
                    "epoch": .integer(term.epoch), "left_ms": Self.time(status.termLeft),
                ])
            } ?? .null
        return .object([
            "version": .integer(1), "view": .integer(status.view.version),
            "protocol": .integer(Int64(status.protocolSpoken)), "coordinator": coordinator,
            "free_shards": .integer(status.freeShards),
            "nodes": .array(status.nodes.map(Self.json)),
            "suspicions": .array(
                status.suspicions.map { vote in
                    .object([
                        "target": names(vote.target), "voter": names(vote.voter),
                        "refused": .bool(vote.isHard), "age_ms": Self.time(vote.age),
                        "repeated_ms": Self.time(vote.repeatedBefore),
                    ])
                }
            ),
            "moves": .array(status.handOffs.map { Self.json($0, status.view) }),
        ])
    }

    /// A node with what it holds.
    ///
    /// - Parameter standing: What the database says.
    /// - Returns: The document, without a version.
    public static func json(_ standing: NodeStanding) -> JSONValue {
        let node = standing.node
        return .object([
            "number": .integer(node.epoch.number), "name": .string(node.name),
            "address": .string(node.address), "endpoint": .string(node.endpoint),
            "zone": .string(node.zone),
            "build": .string(node.build), "status": .string(node.status.rawValue),
            "status_ms": Self.time(standing.statusFor), "lease_ms": Self.time(node.leaseLeft),
            "assigned": .integer(standing.assigned), "running": .integer(standing.running),
            "handing_off": .integer(standing.handingOff),
        ])
    }

    /// A shard.
    ///
    /// - Parameters:
    ///   - standing: What the database says.
    ///   - view: Knows the nodes' names.
    /// - Returns: The document, without a version.
    public static func json(_ standing: ShardStanding, _ view: ClusterView) -> JSONValue {
        let names = Self.names(view)
        let shard = standing.shard
        return .object([
            "shard": .integer(Int64(shard.shard)), "state": .string(shard.state.rawValue),
            "owner": shard.owner.map(names) ?? .null, "target": shard.target.map(names) ?? .null,
            "generation": .integer(shard.generation), "state_ms": Self.time(standing.stateFor),
        ])
    }

    /// The node that a person means: its number, or the name that one node has.
    ///
    /// - Parameters:
    ///   - text: What they wrote.
    ///   - nodes: The nodes there are.
    /// - Returns: The node.
    /// - Throws: `notFound` naming those there are, `conflict` when several have the name.
    public static func node(
        _ text: String,
        among nodes: [NodeStanding]
    ) throws(StoreError) -> NodeStanding {
        if let number = Int64(text),
            let node = nodes.first(where: { $0.node.epoch.number == number })
        {
            return node
        }
        let named = nodes.filter { $0.node.name == text }
        guard let node = named.first else {
            let names = nodes.map(\.node.name).joined(separator: ", ")
            throw StoreError(
                .notFound,
                "there is no node '\(text)'; there " + (names.isEmpty ? "is none" : "are: \(names)")
            )
        }
        guard named.count == 1 else {
            let numbers = named.map { String($0.node.epoch.number) }.joined(separator: ", ")
            throw StoreError(
                .conflict,
                "\(named.count) nodes are called '\(text)': name one by its number, \(numbers)"
            )
        }
        return node
    }

    /// Milliseconds.
    static func time(_ duration: Duration) -> JSONValue {
        .integer(Int64(duration / .milliseconds(1)))
    }

    /// The names of nodes; one that is gone is told by its number.
    private static func names(_ view: ClusterView) -> (NodeEpoch) -> JSONValue {
        let names = Dictionary(view.nodes.map { ($0.epoch, $0.name) }) { first, _ in first }
        return { .string(names[$0] ?? String($0.number)) }
    }
}
