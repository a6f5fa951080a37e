// The statements around a plan's own.

/// Transaction control.
enum SQLToolSQL {
    /// A transaction that may write.
    static let begin = "BEGIN READ WRITE"
    /// A transaction in which the server refuses to write.
    static let beginReadOnly = "BEGIN READ ONLY"
    /// Makes it so.
    static let commit = "COMMIT"
}
