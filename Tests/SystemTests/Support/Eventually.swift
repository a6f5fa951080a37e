// Decides how tests wait: for a condition, up to a deadline that is only reached on failure.

import Foundation

/// A condition that did not come true.
struct NeverHappened: Error, CustomStringConvertible {
    var description: String
}

/// Waits until `condition` holds.
///
/// - Throws: ``NeverHappened`` when it does not in time; what `condition` itself throws, at once.
func eventually(
    _ what: String,
    within limit: Duration = .seconds(60),
    _ condition: () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + limit
    while try await !condition() {
        guard ContinuousClock.now < deadline else {
            throw NeverHappened(description: "within \(limit) it never happened that \(what)")
        }
        // The pause between two looks; nothing depends on its length.
        try await Task.sleep(for: .milliseconds(10))
    }
}

/// Whether `condition` came true before `moment`.
func happens(
    before moment: ContinuousClock.Instant,
    _ condition: () async throws -> Bool
) async throws -> Bool {
    while ContinuousClock.now < moment {
        if try await condition() { return true }
        try await Task.sleep(for: .milliseconds(5))
    }
    return false
}
