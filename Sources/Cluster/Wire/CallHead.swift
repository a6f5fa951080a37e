// What a call says beside its arguments.

internal import PulserIR

/// The head of a call on its way.
struct CallHead: Sendable, Hashable {
    var address: ActorAddress
    var method: UInt32
    /// The generation at which the caller believes the shard to be owned; 0 without a shard.
    var generation: Int64 = 0
    /// The version of what the caller knows of the cluster.
    var viewVersion: Int64 = 0
    /// How long the caller still waits.
    var remaining: Duration
    var trace: TraceContext?
    /// Names the operation, which is executed once however often it is sent.
    var operation: OperationID?
    /// Stands for the actors that wait for this call.
    var chain: [UInt64] = []
    var argumentsCount = 0

    /// Actors that may wait for each other. 32.
    static let chainMax = 32
    /// Arguments of a method. 64.
    static let argumentsMax = 64

    private enum Flag {
        static let shard: UInt8 = 1
        static let name: UInt8 = 2
        static let trace: UInt8 = 4
        static let operation: UInt8 = 8
        static let chain: UInt8 = 16
    }

    func write(to wire: inout WireWriter) {
        var flags: UInt8 = 0
        if case .shard = self.address.place { flags |= Flag.shard }
        if case .name = self.address.key { flags |= Flag.name }
        if self.trace != nil { flags |= Flag.trace }
        if self.operation != nil { flags |= Flag.operation }
        if !self.chain.isEmpty { flags |= Flag.chain }
        wire.byte(flags)
        wire.fixed(self.address.kind.number)
        wire.fixed(self.method)
        switch self.address.place {
        case .node(let node): wire.signed(node.number)
        case .shard(let shard):
            wire.signed(Int64(shard))
            wire.signed(self.generation)
        }
        switch self.address.key {
        case .number(let key): wire.signed(key)
        case .name(let key): wire.text(key)
        }
        wire.signed(self.viewVersion)
        wire.number(UInt64(max(1, self.remaining.milliseconds)))
        if let trace = self.trace {
            wire.fixed(trace.high)
            wire.fixed(trace.low)
            wire.fixed(trace.span)
            wire.byte(trace.flags)
        }
        if let operation = self.operation {
            wire.fixed(operation.high)
            wire.fixed(operation.low)
        }
        if !self.chain.isEmpty {
            wire.number(UInt64(self.chain.count))
            for actor in self.chain { wire.fixed(actor) }
        }
        wire.number(UInt64(self.argumentsCount))
    }

    init(
        address: ActorAddress,
        method: UInt32,
        remaining: Duration
    ) {
        self.address = address
        self.method = method
        self.remaining = remaining
    }

    init(from wire: inout WireReader) throws(ClusterError) {
        let flags = try wire.byte()
        let kind = ActorKind(number: try wire.fixed())
        self.method = try wire.fixed()
        let place: ActorPlace
        if flags & Flag.shard != 0 {
            guard let shard = Int32(exactly: try wire.signed()) else {
                throw ClusterError(.malformed, "a call names a shard that cannot exist")
            }
            place = .shard(shard)
            self.generation = try wire.signed()
        } else {
            place = .node(NodeEpoch(try wire.signed()))
        }
        let key: ActorKey =
            flags & Flag.name != 0
            ? .name(try wire.text(bytesMax: ActorKey.bytesMax)) : .number(try wire.signed())
        self.address = ActorAddress(kind: kind, key: key, place: place)
        self.viewVersion = try wire.signed()
        self.remaining = .milliseconds(Int64(min(try wire.number(), UInt64(UInt32.max))))
        if flags & Flag.trace != 0 {
            self.trace = TraceContext(
                high: try wire.fixed(),
                low: try wire.fixed(),
                span: try wire.fixed(),
                flags: try wire.byte()
            )
        }
        if flags & Flag.operation != 0 {
            self.operation = OperationID(high: try wire.fixed(), low: try wire.fixed())
        }
        if flags & Flag.chain != 0 {
            for _ in 0..<(try wire.count(most: Self.chainMax)) {
                self.chain.append(try wire.fixed())
            }
        }
        self.argumentsCount = try wire.argumentsCount()
    }
}

extension WireReader {
    /// How many arguments follow; each has at least one byte.
    fileprivate mutating func argumentsCount() throws(ClusterError) -> Int {
        try self.count(most: CallHead.argumentsMax)
    }
}

extension Duration {
    /// Whole milliseconds.
    var milliseconds: Int64 {
        let (seconds, attoseconds) = self.components
        return seconds * 1_000 + attoseconds / 1_000_000_000_000_000
    }
}
