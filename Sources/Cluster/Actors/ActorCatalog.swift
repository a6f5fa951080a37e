// Decides which methods of which actors exist between nodes: numbers, targets, errors.

internal import Distributed
internal import PulserIR

/// The actors of a program that can be called from other nodes. Made once, never changed.
///
/// It is the boundary: a number that is not in here never becomes a call.
public struct ActorCatalog: Sendable {
    /// A method of a kind.
    struct Method: Sendable, Hashable {
        var number: UInt32
        var name: String
        /// The runtime's name for it, which other builds may have another for.
        var target: String
        var isIdempotent: Bool
    }

    /// A type of actor.
    struct Entry: Sendable {
        var kind: ActorKind
        var typeName: String
        var traffic: Traffic
        var mailboxMax: Int
        var methods: [UInt32: Method] = [:]
        var errors: [String: any (Error & Codable & Sendable).Type] = [:]
    }

    private(set) var entries: [ActorKind: Entry] = [:]
    /// The methods by the runtime's names.
    private(set) var targets: [String: Method] = [:]

    /// Looks at the declarations.
    ///
    /// - Parameter types: Every type of actor that can be called from other nodes.
    /// - Throws: `configuration` when two have the same kind or number, or a declaration shows no
    ///   method.
    public init(_ types: [any ClusterActor.Type]) async throws(ClusterError) {
        try await self.add(ProbeActor.self)
        try await self.add(WitnessActor.self)
        try await self.add(HandOverActor.self)
        for type in types { try await self.add(type) }
    }

    /// The numbers that this build knows, for the handshake.
    var numbers: [UInt32: [UInt32]] {
        Dictionary(
            uniqueKeysWithValues: self.entries.map { ($0.number, $1.methods.keys.sorted()) }
        )
    }

    private mutating func add<Target: ClusterActor>(
        _ type: Target.Type
    ) async throws(ClusterError) {
        let typeName = String(reflecting: type)
        if let other = self.entries[type.kind] {
            throw Self.broken("'\(typeName)' and '\(other.typeName)' have the same kind")
        }
        var entry = Entry(
            kind: type.kind,
            typeName: typeName,
            traffic: type.traffic,
            mailboxMax: type.mailboxMax
        )
        for error in type.errors { entry.errors[String(reflecting: error)] = error }
        for declared in type.methods {
            let number = StableHash.of32(declared.name)
            if let other = entry.methods[number] {
                throw Self.broken(
                    "the methods '\(declared.name)' and '\(other.name)' of '\(typeName)' have the "
                        + "same number; rename one"
                )
            }
            let target = try await Self.target(of: declared, typeName)
            if let other = self.targets[target] {
                throw Self.broken(
                    "'\(declared.name)' and '\(other.name)' of '\(typeName)' are the same method"
                )
            }
            let method = Method(
                number: number,
                name: declared.name,
                target: target,
                isIdempotent: declared.isIdempotent
            )
            entry.methods[number] = method
            self.targets[target] = method
        }
        self.entries[type.kind] = entry
    }

    /// Has a declaration show its method: the call ends in a system that only writes down what was
    /// called.
    private static func target<Target: ClusterActor>(
        of method: ClusterMethod<Target>,
        _ typeName: String
    ) async throws(ClusterError) -> String {
        let recorder = TargetRecorder()
        let system = ClusterSystem(recorder)
        let nowhere = ActorAddress(kind: Target.kind, key: .number(0), place: .shard(0))
        if let actor = try? Target.resolve(id: nowhere, using: system) {
            try? await method.show(actor)
        }
        guard let target = recorder.target else {
            throw Self.broken("the method '\(method.name)' of '\(typeName)' calls nothing")
        }
        return target
    }

    private static func broken(_ reason: String) -> ClusterError {
        ClusterError(.configuration, reason)
    }
}
