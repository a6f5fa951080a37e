// What a probe talks to: an actor like any other, so that its answer proves that actors get their turn.

internal import Distributed
internal import NIOCore
internal import PulserIR
internal import Synchronization

/// Who probes, and what it knows of the cluster.
struct ProbeGreeting: Codable, Sendable {
    /// The node that probes.
    var node: Int64
    /// The version of its view.
    var viewVersion: Int64
}

/// Answers probes of other nodes.
distributed actor ProbeActor: ClusterActor {
    typealias ActorSystem = ClusterSystem

    static let kind = ActorKind("cluster.probe")
    static let methods: [ClusterMethod<ProbeActor>] = [
        ClusterMethod("greet", isIdempotent: true) {
            _ = try await $0.greet(ProbeGreeting(node: 0, viewVersion: 0))
        }
    ]

    private let directory: any Directory

    init(_ directory: any Directory, actorSystem: ClusterSystem) {
        self.directory = directory
        self.actorSystem = actorSystem
    }

    /// Hears that a node lives.
    ///
    /// - Returns: The version of what this node knows of the cluster.
    distributed func greet(_ greeting: ProbeGreeting) -> Int64 {
        self.directory.greeted(by: NodeEpoch(greeting.node), version: greeting.viewVersion)
        return self.directory.version
    }
}

/// Whom somebody else cannot reach.
struct WitnessQuestion: Codable, Sendable {
    /// The node to probe.
    var node: Int64
}

/// Probes nodes in the place of others. Its mailbox is not that of ``ProbeActor``, which must not wait
/// for a node that hangs.
distributed actor WitnessActor: ClusterActor {
    typealias ActorSystem = ClusterSystem

    static let kind = ActorKind("cluster.witness")
    static let mailboxMax = 32
    static let methods: [ClusterMethod<WitnessActor>] = [
        ClusterMethod("reaches", isIdempotent: true) {
            _ = try await $0.reaches(WitnessQuestion(node: 0))
        }
    ]
    private static let patience = Duration.seconds(1)

    init(actorSystem: ClusterSystem) { self.actorSystem = actorSystem }

    /// Whether a node answers this one.
    distributed func reaches(_ question: WitnessQuestion) async -> Bool {
        let node = NodeEpoch(question.node)
        return (try? await self.actorSystem.probe(node, timeout: Self.patience)) != nil
    }
}

/// What is known of a link.
public struct LinkHealth: Sendable, Hashable {
    /// How long nothing came; `nil` when nothing ever did.
    public var silence: Duration?
    /// How long the last probe took; `nil` before the first.
    public var roundTrip: Duration?
}
