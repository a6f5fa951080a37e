// Where an actor is found: what it is, which one, and who has it.

public import PulserIR

/// A kind of actor, by a name that never changes.
public struct ActorKind: Sendable, Hashable, Codable {
    /// The number of the name, the same in every build.
    public let number: UInt32

    /// Names a kind.
    ///
    /// - Parameter name: A short name such as `lane`; renaming it makes another kind.
    public init(_ name: String) { self.number = StableHash.of32(name) }

    init(number: UInt32) { self.number = number }
}

/// Which actor of a kind.
public enum ActorKey: Sendable, Hashable, Codable {
    /// A number, such as a row's.
    case number(Int64)
    /// A name of at most ``bytesMax`` bytes.
    case name(String)

    /// Bytes of a name. 512.
    public static let bytesMax = 512
}

/// Who has an actor.
public enum ActorPlace: Sendable, Hashable {
    /// One life of a node, for as long as it lives.
    case node(NodeEpoch)
    /// Whoever owns the shard, 0 to 1,023.
    case shard(Int32)
}

extension ActorPlace: Codable {
    private enum Field: String, CodingKey { case node, shard }

    /// Reads a place.
    ///
    /// - Throws: `DecodingError` when there is neither node nor shard.
    public init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: Field.self)
        if let node = try fields.decodeIfPresent(Int64.self, forKey: .node) {
            self = .node(NodeEpoch(node))
        } else {
            self = .shard(try fields.decode(Int32.self, forKey: .shard))
        }
    }

    /// Writes the place.
    ///
    /// - Throws: What the encoder throws.
    public func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: Field.self)
        switch self {
        case .node(let node): try fields.encode(node.number, forKey: .node)
        case .shard(let shard): try fields.encode(shard, forKey: .shard)
        }
    }
}

/// The identity of an actor in the whole cluster. It can be sent, stored and made by anybody.
public struct ActorAddress: Sendable, Hashable, Codable {
    /// What it is.
    public var kind: ActorKind
    /// Which one.
    public var key: ActorKey
    /// Who has it.
    public var place: ActorPlace

    /// Names an actor.
    public init(kind: ActorKind, key: ActorKey, place: ActorPlace) {
        self.kind = kind
        self.key = key
        self.place = place
    }

    /// What stands for the actor in a chain of calls.
    var hash64: UInt64 {
        var number = UInt64(self.kind.number)
        switch self.place {
        case .node(let node):
            number = StableHash.of64(number ^ UInt64(bitPattern: node.number) << 1)
        case .shard(let shard):
            number = StableHash.of64(number ^ UInt64(UInt32(bitPattern: shard)) << 1 ^ 1)
        }
        switch self.key {
        case .number(let key): return StableHash.of64(number ^ UInt64(bitPattern: key))
        case .name(let key): return StableHash.of64(number, key)
        }
    }
}
