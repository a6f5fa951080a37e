// What is said when an expression cannot be read or evaluated.

/// An expression that is not well formed, or that has no value in its scope.
///
/// Neither the message nor the hint ever holds a value, only names and types: a value may be a
/// secret.
public struct ExpressionError: Error, Sendable, Hashable {
    /// What is wrong, for people.
    public var message: String
    /// Where, as a byte offset into the source that was parsed or evaluated.
    public var offset: Int
    /// How to put it right, if that is known.
    public var hint: String?
    /// Whether a name was absent at run time: the only error that `default(…)` forgives.
    package var isAbsence: Bool

    /// Makes an error.
    public init(message: String, offset: Int, hint: String? = nil) {
        self.message = message
        self.offset = offset
        self.hint = hint
        self.isAbsence = false
    }

    /// An error for a name that is not there.
    static func absent(_ message: String, offset: Int, hint: String? = nil) -> ExpressionError {
        var error = ExpressionError(message: message, offset: offset, hint: hint)
        error.isAbsence = true
        return error
    }

    /// The same error in a source that begins `bytes` earlier.
    func shifted(by bytes: Int) -> ExpressionError {
        var error = self
        error.offset += bytes
        return error
    }
}

extension ExpressionError: CustomStringConvertible {
    /// Message, offset and hint on one line.
    public var description: String {
        let hint = self.hint.map { "; hint: \($0)" } ?? ""
        return "\(self.message) (at offset \(self.offset)\(hint))"
    }
}
