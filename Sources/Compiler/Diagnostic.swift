// What is said about a place in a plan file.

/// One finding of the compiler.
public struct Diagnostic: Sendable, Hashable {
    /// How bad a finding is.
    public enum Severity: String, Sendable, Hashable {
        /// The plan cannot be used.
        case error
        /// The plan can be used, but probably says something else than meant.
        case warning
    }

    /// How bad it is.
    public var severity: Severity
    /// The file as the caller named it.
    public var file: String
    /// The line, from 1.
    public var line: Int
    /// The column, from 1, in Unicode scalars.
    public var column: Int
    /// What is wrong.
    public var message: String
    /// How to put it right, if that is known.
    public var hint: String?

    /// Makes a finding.
    public init(
        severity: Severity = .error,
        file: String,
        line: Int,
        column: Int,
        message: String,
        hint: String? = nil
    ) {
        self.severity = severity
        self.file = file
        self.line = line
        self.column = column
        self.message = message
        self.hint = hint
    }
}

extension Diagnostic: CustomStringConvertible {
    /// `file:line:column: error: message; hint: …`.
    public var description: String {
        let place = "\(self.file):\(self.line):\(self.column)"
        let hint = self.hint.map { "; hint: \($0)" } ?? ""
        return "\(place): \(self.severity.rawValue): \(self.message)\(hint)"
    }
}
