// Decides when a node goes on with what whoever cancelled a session left.

internal import Logging
internal import Store

/// What a node does about sessions that were cancelled and whose runs are not all asked to end yet: their
/// own nodes' or others', whoever cancelled them.
///
/// Owner: NodeLife. Runs on: default pool. Ends: cancellation; what it leaves is gone on with by others.
struct SessionKeeper: Sendable {
    /// Between two looks.
    static let interval: Duration = .seconds(5)

    let store: Store
    let logger: Logger

    /// Works until cancelled.
    func run() async {
        while !Task.isCancelled {
            do {
                while !Task.isCancelled, let step = try await self.store.askRunsToEnd() {
                    self.logger.debug("runs asked to end", metadata: ["count": "\(step.asked)"])
                }
            } catch {
                self.logger.debug("sessions wait", metadata: ["reason": "\(error.message)"])
            }
            try? await Task.sleep(for: Self.interval)
        }
    }
}
