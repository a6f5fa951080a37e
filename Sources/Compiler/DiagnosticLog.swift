// How findings are gathered while a file is read.

/// The findings of one file.
struct DiagnosticLog {
    let file: String
    private(set) var diagnostics: [Diagnostic] = []
    /// Findings of child plans; they come behind this file's.
    private var foreign: [Diagnostic] = []

    init(file: String) { self.file = file }

    var hasErrors: Bool { self.diagnostics.contains { $0.severity == .error } }

    /// Whether more findings are of no use.
    var isFull: Bool { self.diagnostics.count >= 4 * CompileError.diagnosticsMax }

    mutating func error(_ message: String, at mark: SourceMark, hint: String? = nil) {
        self.add(.error, message, at: mark, hint: hint)
    }

    mutating func warn(_ message: String, at mark: SourceMark, hint: String? = nil) {
        self.add(.warning, message, at: mark, hint: hint)
    }

    /// Takes over findings of another file.
    mutating func add(_ others: [Diagnostic]) {
        for other in others where !self.isFull && !self.foreign.contains(other) {
            self.foreign.append(other)
        }
    }

    private mutating func add(
        _ severity: Diagnostic.Severity,
        _ message: String,
        at mark: SourceMark,
        hint: String?
    ) {
        guard !self.isFull else { return }
        let diagnostic = Diagnostic(
            severity: severity,
            file: self.file,
            line: mark.line,
            column: mark.column,
            message: message,
            hint: hint
        )
        if !self.diagnostics.contains(diagnostic) { self.diagnostics.append(diagnostic) }
    }

    /// The findings by place, the first of them when there are too many.
    var sorted: [Diagnostic] {
        let ordered = self.diagnostics.enumerated().sorted {
            ($0.element.line, $0.element.column, $0.offset)
                < ($1.element.line, $1.element.column, $1.offset)
        }
        return Array((ordered.map(\.element) + self.foreign).prefix(CompileError.diagnosticsMax))
    }

    /// The error that ends compiling.
    var failure: CompileError {
        CompileError(diagnostics: self.sorted)
    }
}
