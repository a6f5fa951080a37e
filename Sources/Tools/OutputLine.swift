// What a step's output is made of: whole lines, each from one stream.

/// One line of a program's output.
public struct OutputLine: Sendable, Hashable {
    /// Where it came from.
    public enum Stream: String, Sendable, Hashable {
        case stdout
        case stderr
    }

    /// Where it came from.
    public var stream: Stream
    /// The text without its line end; invalid UTF-8 and NUL are replaced, secrets are marked.
    public var text: String
    /// Whether this line only says that the rest of the step's output is cut.
    public var isTruncationMark: Bool

    /// Makes a line.
    public init(stream: Stream, text: String, isTruncationMark: Bool = false) {
        self.stream = stream
        self.text = text
        self.isTruncationMark = isTruncationMark
    }
}
