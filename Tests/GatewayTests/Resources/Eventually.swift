// Decides how these tests wait: for a value, up to a deadline that only a failure reaches.

/// A value that did not come.
struct NeverCame: Error {}

/// The first value that `body` gives.
func eventually<Value>(_ body: () async throws -> Value?) async throws -> Value {
    let deadline = ContinuousClock.now + .seconds(60)
    while ContinuousClock.now < deadline {
        if let value = try await body() { return value }
        // The pause between two looks; nothing depends on its length.
        try await Task.sleep(for: .milliseconds(10))
    }
    throw NeverCame()
}
