// Decides how tests wait: for a condition, up to a deadline that is only reached on failure.

/// A condition that did not come true.
public struct NeverHappened: Error, CustomStringConvertible {
    /// What was waited for.
    public var description: String

    /// Says what was waited for.
    public init(description: String) { self.description = description }
}

/// Waits until `condition` holds.
///
/// - Throws: ``NeverHappened`` when it does not in time; what `condition` itself throws, at once.
public func eventually(
    _ what: String,
    within limit: Duration = .seconds(30),
    _ condition: () async throws -> Bool
) async throws {
    let limit = Sanitized.patience(limit)
    let deadline = ContinuousClock.now + limit
    while try await !condition() {
        guard ContinuousClock.now < deadline else {
            throw NeverHappened(description: "within \(limit) it never happened that \(what)")
        }
        // The pause between two looks; nothing depends on its length.
        try await Task.sleep(for: .milliseconds(10))
    }
}
