// Sees to it that the embedded server runs as long as its node does.

/// Starts the embedded server again when it ended under a working node.
///
/// Owner: Room. Runs on: default pool. Ends: with the body it keeps the server for.
actor ServerKeeper {
    /// How often the server's process is looked for.
    static let interval: Duration = .seconds(1)

    private var server: EmbeddedPostgres
    private let start: @Sendable () async throws -> EmbeddedPostgres

    init(
        _ server: EmbeddedPostgres,
        start: @escaping @Sendable () async throws -> EmbeddedPostgres
    ) {
        self.server = server
        self.start = start
    }

    /// Keeps the server running until `body` has ended.
    func keeping<Value: Sendable>(
        _ body: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        try await withThrowingTaskGroup(of: Value?.self) { group in
            group.addTask { try await body() }
            group.addTask {
                await self.watch()
                return nil
            }
            defer { group.cancelAll() }
            while let next = try await group.next() {
                if let value = next { return value }
            }
            throw CancellationError()
        }
    }

    func stop() async { await self.server.stop() }

    private func watch() async {
        while !Task.isCancelled {
            try? await Task.sleep(for: Self.interval)
            guard !Task.isCancelled, !self.server.isRunning else { continue }
            // A failed start is tried again at the next look; the node tells of the outage itself.
            if let server = try? await self.start() { self.server = server }
        }
    }
}
