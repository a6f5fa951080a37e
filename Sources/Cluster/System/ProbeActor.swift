// What a probe talks to: an actor like any other, so that its answer proves that actors get their turn.

internal import Distributed
internal import NIOCore
internal import PulserIR
internal import Synchronization

/// Answers probes of other nodes.
distributed actor ProbeActor: ClusterActor {
    typealias ActorSystem = ClusterSystem

    static let kind = ActorKind("cluster.probe")
    static let methods: [ClusterMethod<ProbeActor>] = [
        ClusterMethod("answer", isIdempotent: true) { _ = try await $0.answer() }
    ]

    private let directory: any Directory

    init(_ directory: any Directory, actorSystem: ClusterSystem) {
        self.directory = directory
        self.actorSystem = actorSystem
    }

    /// The version of what this node knows of the cluster.
    distributed func answer() -> Int64 { self.directory.version }
}

/// What is known of a link.
public struct LinkHealth: Sendable, Hashable {
    /// How long nothing came; `nil` when nothing ever did.
    public var silence: Duration?
    /// How long the last probe took; `nil` before the first.
    public var roundTrip: Duration?
}
