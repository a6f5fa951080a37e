// Every bound of a value that crosses between nodes, with its unit.

/// Limits of encoded values. What is larger is refused before anything is allocated for it.
public struct BinaryLimits: Sendable, Hashable {
    /// Objects and lists within each other. Default 32.
    public var depthMax = 32
    /// Values of one message, those inside others included. Default 65,536: bounds the memory that
    /// few bytes can ask for.
    public var valuesMax = 65_536
    /// Bytes of one message. Default 1 MiB.
    public var bytesMax = 1_048_576

    /// The defaults.
    public init() {}
}
