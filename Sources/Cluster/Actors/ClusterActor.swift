// What an actor declares so that it can be called from other nodes.

public import Distributed

/// Which connection calls to an actor take: much of one kind never delays another.
public enum Traffic: String, Sendable, Hashable, CaseIterable {
    /// Small calls that must not wait: commands, membership, probes.
    case control
    /// Events on their way to subscribers.
    case events
    /// Large values.
    case bulk

    /// The number that is sent.
    var number: UInt8 {
        switch self {
        case .control: 0
        case .events: 1
        case .bulk: 2
        }
    }
}

/// A method that may be called from other nodes.
public struct ClusterMethod<Target: ClusterActor>: Sendable {
    /// The name that stands for the method between builds.
    public let name: String
    /// Whether executing it twice does no harm: it is then tried again when its outcome is unknown.
    public let isIdempotent: Bool
    let show: @Sendable (Target) async throws -> Void

    /// Declares a method.
    ///
    /// - Parameters:
    ///   - name: A name that never changes. When arguments change in a way that old builds do not
    ///     understand, it is another method with another name.
    ///   - isIdempotent: Whether executing it twice does no harm. Default false.
    ///   - show: Calls the method, with whatever arguments: the call goes nowhere, it only shows which
    ///     method is meant.
    public init(
        _ name: String,
        isIdempotent: Bool = false,
        _ show: @escaping @Sendable (Target) async throws -> Void
    ) {
        self.name = name
        self.isIdempotent = isIdempotent
        self.show = show
    }
}

/// A distributed actor of this system.
///
/// Only what ``methods`` lists can be called from other nodes, and over references made by `resolve`.
/// Such a reference is always one to a mailbox, on the actor's own node too: calls wait there in order,
/// one at a time, also across the actor's `await`s. Whoever holds the actor itself calls it past its
/// mailbox.
public protocol ClusterActor: DistributedActor where ActorSystem == ClusterSystem {
    /// What it is. Two types never have the same.
    static var kind: ActorKind { get }
    /// What others may call.
    static var methods: [ClusterMethod<Self>] { get }
    /// Errors that reach callers as they are; of others they see type and message. Default none.
    static var errors: [any (Error & Codable & Sendable).Type] { get }
    /// The connection that calls take. Default control.
    static var traffic: Traffic { get }
    /// Calls that may wait. Default 1,024; one more is answered `overloaded`.
    static var mailboxMax: Int { get }
}

extension ClusterActor {
    /// None.
    public static var errors: [any (Error & Codable & Sendable).Type] { [] }
    /// Control.
    public static var traffic: Traffic { .control }
    /// 1,024.
    public static var mailboxMax: Int { 1_024 }
}
