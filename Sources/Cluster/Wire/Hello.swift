// What two nodes tell each other before the first call, and when they do not talk.

internal import PulserIR

/// Who a node is and what it knows.
struct Hello: Sendable, Hashable {
    /// The protocols this build speaks.
    static let protocols: ClosedRange<UInt64> = 1...1
    private static let kindsMax = 256
    private static let methodsMax = 1_024
    private static let textBytesMax = 256

    var protocols: ClosedRange<UInt64> = Self.protocols
    var cluster: String
    var node: NodeEpoch
    var build: String
    var traffic: UInt8
    /// The numbers of the methods of each kind.
    var methods: [UInt32: [UInt32]]

    init(cluster: String, node: NodeEpoch, build: String, traffic: Traffic, catalog: ActorCatalog) {
        self.cluster = cluster
        self.node = node
        self.build = build
        self.traffic = traffic.number
        self.methods = catalog.numbers
    }

    func write(to wire: inout WireWriter) {
        wire.number(self.protocols.lowerBound)
        wire.number(self.protocols.upperBound)
        wire.text(self.cluster)
        wire.signed(self.node.number)
        wire.text(self.build)
        wire.byte(self.traffic)
        wire.number(UInt64(self.methods.count))
        for (kind, numbers) in self.methods.sorted(by: { $0.key < $1.key }) {
            wire.fixed(kind)
            wire.number(UInt64(numbers.count))
            for number in numbers { wire.fixed(number) }
        }
    }

    init(from wire: inout WireReader) throws(ClusterError) {
        let lower = try wire.number()
        let upper = try wire.number()
        guard lower <= upper else {
            throw ClusterError(.malformed, "a node speaks no protocol at all")
        }
        self.protocols = lower...upper
        self.cluster = try wire.text(bytesMax: Self.textBytesMax)
        self.node = NodeEpoch(try wire.signed())
        self.build = try wire.text(bytesMax: Self.textBytesMax)
        self.traffic = try wire.byte()
        self.methods = [:]
        for _ in 0..<(try wire.count(most: Self.kindsMax)) {
            let kind: UInt32 = try wire.fixed()
            var numbers: [UInt32] = []
            for _ in 0..<(try wire.count(most: Self.methodsMax)) {
                numbers.append(try wire.fixed())
            }
            self.methods[kind] = numbers
        }
    }

    /// Why this node does not talk to that one; `nil` when it does.
    ///
    /// - Parameters:
    ///   - peer: What the other node says of itself.
    ///   - expected: The node that is meant; `nil` takes any but this one.
    /// - Returns: A sentence.
    func objection(to peer: Hello, expected: NodeEpoch?) -> String? {
        guard self.protocols.overlaps(peer.protocols) else {
            return "node \(self.node.number) speaks the protocols \(self.protocols), node "
                + "\(peer.node.number) \(peer.protocols): bring the older build up to date"
        }
        guard self.cluster == peer.cluster else {
            return "node \(peer.node.number) belongs to the cluster '\(peer.cluster)', not to "
                + "'\(self.cluster)'"
        }
        guard self.traffic == peer.traffic else {
            return "node \(peer.node.number) expects another kind of traffic here"
        }
        if let expected, peer.node != expected {
            return "node \(peer.node.number) listens where node \(expected.number) was expected"
        }
        return peer.node == self.node ? "node \(self.node.number) has called itself" : nil
    }
}
