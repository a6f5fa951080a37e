// Why a plan file could not be compiled.

/// A plan file with errors.
public struct CompileError: Error, Sendable, Hashable {
    /// The most findings that are kept.
    public static let diagnosticsMax = 50

    /// All findings, at most ``diagnosticsMax``, in the order of their places.
    public var diagnostics: [Diagnostic]

    /// Makes an error.
    public init(diagnostics: [Diagnostic]) { self.diagnostics = diagnostics }
}

extension CompileError: CustomStringConvertible {
    /// One line per finding.
    public var description: String {
        self.diagnostics.map(\.description).joined(separator: "\n")
    }
}
