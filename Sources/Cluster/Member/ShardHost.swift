// What the cluster's protocol needs of whoever works this node's shards.

public import PulserIR
public import StateMachines

/// Works the shards of a node.
public protocol ShardHost: Sendable {
    /// Performs what the protocol wants of shards, in order. Returns soon; what takes long goes on by
    /// itself.
    ///
    /// - Parameters:
    ///   - actions: What is wanted.
    ///   - settled: Called with shards that were to settle, once they are at rest, as many as possible at
    ///     once; not for those where that was taken back, or that were stopped meanwhile.
    func perform(
        _ actions: [ShardOwnerMachine.Action],
        settled: @escaping @Sendable ([OwnedShard]) -> Void
    ) async

    /// Whether effects may begin: not while the lease may be over. Returns at once.
    func trust(_ isTrusted: Bool)
}
