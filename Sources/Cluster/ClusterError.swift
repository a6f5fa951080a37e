// What can go wrong with a call, and whether it may have happened all the same.

/// An error of a call between nodes.
public struct ClusterError: Error, Sendable, Hashable, Codable, CustomStringConvertible {
    /// What kind of failure it is. The numbers are sent.
    public enum Code: UInt8, Sendable, Hashable, Codable, CaseIterable {
        /// The actor's mailbox, the link or a memory is full; nothing was done.
        case overloaded = 1
        /// The deadline passed. Whether the call was executed is not known.
        case timedOut = 2
        /// The caller was cancelled. Whether the call was executed is not known.
        case cancelled = 3
        /// The connection was lost behind the call. Whether it was executed is not known.
        case unknownOutcome = 4
        /// There is no connection to the node; nothing was done.
        case unreachable = 5
        /// The node's build does not know the method; nothing was done.
        case unimplemented = 6
        /// The node has no such actor; nothing was done.
        case noActor = 7
        /// The call would wait for itself; nothing was done.
        case cycle = 8
        /// The shard was somewhere else each time; nothing was done.
        case misplaced = 9
        /// Arguments or result cannot be encoded, or are larger than the limits.
        case notEncodable = 10
        /// What came cannot be decoded.
        case malformed = 11
        /// The actor threw an error that does not cross nodes; see ``ClusterError/typeName``.
        case thrown = 12
        /// A peer is refused: another cluster, another node, another protocol, no certificate.
        case refused = 13
        /// A declaration or a setting cannot be used; the message names it.
        case configuration = 14
        /// This node is leaving; nothing was done.
        case ended = 15
    }

    /// What kind of failure it is.
    public var code: Code
    /// One sentence for people.
    public var message: String
    /// The type of the error that the actor threw, for ``Code/thrown``.
    public var typeName: String?

    /// Makes an error.
    public init(_ code: Code, _ message: String, typeName: String? = nil) {
        self.code = code
        self.message = message
        self.typeName = typeName
    }

    /// Whether the call was certainly not executed, so that it may be made again.
    public var isUnprocessed: Bool {
        switch self.code {
        case .overloaded, .unreachable, .unimplemented, .noActor, .cycle, .misplaced, .refused,
            .configuration, .ended:
            true
        case .timedOut, .cancelled, .unknownOutcome, .notEncodable, .malformed, .thrown: false
        }
    }

    /// The sentence.
    public var description: String { self.message }
}
