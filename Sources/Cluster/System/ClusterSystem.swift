// Calls between actors of different nodes: the system that Swift's distributed actors live in.

public import Distributed
public import Logging
public import NIOCore
public import PulserIR

/// The actors of one node, and the way to those of others.
///
/// Owner: whoever calls ``run(onListening:)``. Ends: its cancellation; calls then fail with `ended`.
public final class ClusterSystem: DistributedActorSystem, Sendable {
    /// Where an actor is found.
    public typealias ActorID = ActorAddress
    /// What can cross between nodes.
    public typealias SerializationRequirement = any Codable
    /// Keeps the arguments of a call.
    public typealias InvocationEncoder = ClusterInvocationEncoder
    /// Gives the arguments of a call.
    public typealias InvocationDecoder = ClusterInvocationDecoder
    /// Takes the result of a call.
    public typealias ResultHandler = ClusterResultHandler

    private enum Role {
        case working(ClusterNode)
        /// Only writes down which method is called.
        case recording(TargetRecorder)
    }

    private let role: Role

    /// The address of the actor that is being made.
    @TaskLocal private static var address: ActorAddress?

    /// Prepares a node's system.
    ///
    /// - Parameters:
    ///   - configuration: Who the node is, where it listens, limits.
    ///   - catalog: The actors that can be called from other nodes.
    ///   - directory: Who owns which shard, where nodes listen.
    ///   - group: The event loops of its connections.
    ///   - logger: For what a person should see.
    public init(
        _ configuration: ClusterConfiguration,
        catalog: ActorCatalog,
        directory: any Directory,
        group: any EventLoopGroup,
        logger: Logger
    ) {
        self.role = .working(
            ClusterNode(
                configuration,
                catalog: catalog,
                directory: directory,
                group: group,
                logger: logger
            )
        )
    }

    init(_ recorder: TargetRecorder) { self.role = .recording(recorder) }

    /// The node's inside; `nil` where methods are only written down.
    var node: ClusterNode? { if case .working(let node) = self.role { node } else { nil } }

    /// What this node knows of the cluster; `nil` where methods are only written down.
    public var directory: (any Directory)? { self.node?.directory }

    /// Listens for other nodes and connects to them until cancelled. Called once.
    ///
    /// - Parameter onListening: Called with the address once it is listened on.
    /// - Throws: `configuration` for settings, certificates and addresses that cannot be used.
    public func run(
        onListening: @escaping @Sendable (SocketAddress) -> Void = { _ in }
    ) async throws(ClusterError) {
        guard let node = self.node else { return }
        let probe = self.host(.number(0)) { ProbeActor(node.directory, actorSystem: $0) }
        let witness = self.host(.number(0)) { WitnessActor(actorSystem: $0) }
        let handOver = self.host(.number(0)) { HandOverActor(node.directory, actorSystem: $0) }
        defer { withExtendedLifetime((probe, witness, handOver)) {} }
        try await node.run(onListening: onListening)
    }

    // MARK: Actors

    /// Makes an actor at an address. Whoever made it keeps it: the system does not.
    ///
    /// - Parameters:
    ///   - key: Which one of its kind.
    ///   - shard: The shard it belongs to; `nil` for one that belongs to this node.
    ///   - make: Makes the actor in the given system.
    /// - Returns: The actor. Calls over it do not wait in its mailbox; those over
    ///   ``ClusterActor`` references made by `resolve` do.
    /// - Throws: What `make` throws.
    public func host<Target: ClusterActor>(
        _ key: ActorKey,
        shard: Int32? = nil,
        _ make: (ClusterSystem) throws -> Target
    ) rethrows -> Target {
        guard let node = self.node else { return try make(self) }
        let address = ActorAddress(
            kind: Target.kind,
            key: key,
            place: shard.map { .shard($0) } ?? .node(node.me)
        )
        return try Self.$address.withValue(address) { try make(self) }
    }

    /// Has actors of a type be made when they are called and not there, as long as the shard of their
    /// address is owned here; calls wait for it in order.
    ///
    /// - Parameters:
    ///   - type: The actors' type.
    ///   - maker: Makes the actor with that key by ``host(_:shard:_:)`` and keeps it, or does nothing
    ///     when there is no such actor: its callers are told so.
    public func make<Target: ClusterActor>(
        _ type: Target.Type,
        _ maker: @escaping @Sendable (ActorKey) async -> Void
    ) {
        self.node?.make(type.kind) { await maker($0.key) }
    }

    /// This node; `nil` where methods are only written down.
    public var me: NodeEpoch? { self.node?.me }

    /// A reference to an actor, wherever it is.
    ///
    /// - Parameters:
    ///   - type: The actor's type.
    ///   - key: Which one.
    ///   - place: Who has it.
    /// - Returns: A reference; calls over it find the actor.
    /// - Throws: `configuration` for a key that is too long.
    public func reference<Target: ClusterActor>(
        to type: Target.Type,
        _ key: ActorKey,
        at place: ActorPlace
    ) throws(ClusterError) -> Target {
        if case .name(let name) = key, name.utf8.count > ActorKey.bytesMax {
            throw ClusterError(
                .configuration,
                "an actor's name has \(name.utf8.count) bytes; \(ActorKey.bytesMax) are allowed"
            )
        }
        let address = ActorAddress(kind: Target.kind, key: key, place: place)
        do {
            return try Target.resolve(id: address, using: self)
        } catch {
            throw ClusterError(.configuration, "\(error)")
        }
    }

    /// Asks a node whether it works: through link, mailbox, an actor's executor and back.
    ///
    /// - Parameters:
    ///   - node: Which node.
    ///   - timeout: How long the answer may take.
    /// - Returns: The version of what that node knows of the cluster.
    /// - Throws: Why there is no answer; `unreachable` when there is no connection.
    public func probe(_ node: NodeEpoch, timeout: Duration) async throws -> Int64 {
        let actor = try self.reference(to: ProbeActor.self, .number(0), at: .node(node))
        var options = CallOptions()
        options.timeout = timeout
        options.attemptsMax = 1
        let start = NIODeadline.now()
        let greeting = ProbeGreeting(
            node: self.node?.me.number ?? 0,
            viewVersion: self.node?.directory.version ?? 0
        )
        let version = try await withCallOptions(options) { try await actor.greet(greeting) }
        self.node?.probed(node, in: .now() - start)
        return version
    }

    /// What is known of the control link to a node; `nil` without one.
    public func health(of node: NodeEpoch) -> LinkHealth? { self.node?.health(of: node) }

    // MARK: DistributedActorSystem

    /// Always a reference to the mailbox, on the actor's own node too.
    ///
    /// - Throws: `configuration` when the address is one of another kind.
    public func resolve<Act>(id: ActorAddress, as actorType: Act.Type) throws -> Act?
    where Act: DistributedActor, Act.ID == ActorAddress {
        guard let type = actorType as? any ClusterActor.Type, type.kind == id.kind else {
            throw ClusterError(.configuration, "the address is not one of a '\(actorType)'")
        }
        return nil
    }

    /// The address that ``host(_:shard:_:)`` gives, or one of this node.
    public func assignID<Act>(_ actorType: Act.Type) -> ActorAddress
    where Act: DistributedActor, Act.ID == ActorAddress {
        let kind =
            (actorType as? any ClusterActor.Type)?.kind
            ?? ActorKind(String(reflecting: actorType))
        if let address = Self.address, address.kind == kind { return address }
        guard let node = self.node else {
            return ActorAddress(kind: kind, key: .number(0), place: .shard(0))
        }
        return node.freshAddress(kind)
    }

    /// The actor can be called.
    public func actorReady<Act>(_ actor: Act)
    where Act: DistributedActor, Act.ID == ActorAddress {
        guard let node = self.node, let actor = actor as? any ClusterActor else { return }
        node.add(actor, at: actor.id)
    }

    /// The actor is gone.
    public func resignID(_ id: ActorAddress) { self.node?.remove(id) }

    /// Keeps the arguments of a call.
    public func makeInvocationEncoder() -> ClusterInvocationEncoder { ClusterInvocationEncoder() }

    /// Makes a call that has a result.
    ///
    /// - Returns: The result.
    /// - Throws: What the actor throws where the caller may see it, else ``ClusterError``.
    public func remoteCall<Act, Err, Res>(
        on actor: Act,
        target: RemoteCallTarget,
        invocation: inout ClusterInvocationEncoder,
        throwing: Err.Type,
        returning: Res.Type
    ) async throws -> Res
    where Act: DistributedActor, Act.ID == ActorAddress, Err: Error, Res: Codable {
        switch try await self.call(actor.id, target, invocation) {
        case .local(let result):
            guard let result = result.value as? Res else {
                throw ClusterError(.malformed, "the result is not a '\(Res.self)'")
            }
            return result
        case .value(let bytes, let place):
            do {
                var decoder = try BinaryDecoder(
                    bytes,
                    from: place,
                    limits: self.limits,
                    userInfo: [.actorSystemKey: self]
                )
                return try decoder.decode()
            } catch let error as DecodingError {
                throw ClusterError(
                    .malformed,
                    "the call was executed, but its result cannot be decoded: \(error.reason)"
                )
            }
        case .failure, .thrown, .redirect:
            throw ClusterError(.malformed, "the call has no result")
        }
    }

    /// Makes a call without a result.
    ///
    /// - Throws: What the actor throws where the caller may see it, else ``ClusterError``.
    public func remoteCallVoid<Act, Err>(
        on actor: Act,
        target: RemoteCallTarget,
        invocation: inout ClusterInvocationEncoder,
        throwing: Err.Type
    ) async throws where Act: DistributedActor, Act.ID == ActorAddress, Err: Error {
        _ = try await self.call(actor.id, target, invocation)
    }

    private var limits: BinaryLimits {
        self.node?.configuration.limits ?? BinaryLimits()
    }

    /// Makes a call; errors are thrown.
    private func call(
        _ address: ActorAddress,
        _ target: RemoteCallTarget,
        _ invocation: ClusterInvocationEncoder
    ) async throws -> CallOutcome {
        let node: ClusterNode
        switch self.role {
        case .working(let working): node = working
        case .recording(let recorder):
            recorder.record(target.identifier)
            throw TargetRecorder.Recorded()
        }
        guard let method = node.catalog.targets[target.identifier],
            let entry = node.catalog.entries[address.kind]
        else {
            throw ClusterError(
                .configuration,
                "'\(target)' is not among the methods that its actor's type lists"
            )
        }
        let outcome = try await node.call(
            ClusterNode.Request(
                address: address,
                method: method,
                arguments: invocation.arguments,
                traffic: entry.traffic
            )
        )
        switch outcome {
        case .thrown(let error): throw error
        case .failure(let failure): throw node.error(failure, entry)
        case .value, .local, .redirect: return outcome
        }
    }
}
