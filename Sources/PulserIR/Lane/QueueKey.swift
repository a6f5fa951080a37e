// Decides which keys of runs are the same, and which comes first: as the database does.

/// Whom a run is for, in a lane whose keys take turns.
///
/// Keys are the same, and are ordered, byte by byte in UTF-8, which is the database's collation "C".
/// Two texts that Swift holds equal because they show the same letters may be two keys.
public struct QueueKey: Sendable, Hashable, Comparable, ExpressibleByStringLiteral {
    /// The key as it is stored; empty for runs without one.
    public let text: String

    /// A key of a run.
    ///
    /// - Parameter text: As it is stored.
    public init(_ text: String) { self.text = text }

    /// A key that is written in the program.
    ///
    /// - Parameter value: As it is stored.
    public init(stringLiteral value: String) { self.init(value) }

    /// Whether both are the same bytes.
    public static func == (left: QueueKey, right: QueueKey) -> Bool {
        left.text.utf8.elementsEqual(right.text.utf8)
    }

    /// Whether the left one comes first, byte by byte.
    public static func < (left: QueueKey, right: QueueKey) -> Bool {
        left.text.utf8.lexicographicallyPrecedes(right.text.utf8)
    }

    /// Takes the bytes in, as `==` compares them.
    ///
    /// - Parameter hasher: What takes them.
    public func hash(into hasher: inout Hasher) {
        for byte in self.text.utf8 { hasher.combine(byte) }
        hasher.combine(0 as UInt8)
    }
}
