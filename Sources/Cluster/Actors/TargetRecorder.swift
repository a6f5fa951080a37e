// Writes down which method was called, instead of calling it.

internal import Synchronization

/// The first target that was called.
final class TargetRecorder: Sendable {
    /// What ends the call that was written down.
    struct Recorded: Error {}

    private let state = Mutex<String?>(nil)

    /// The runtime's name for the method; `nil` before a call.
    var target: String? { self.state.withLock { $0 } }

    func record(_ target: String) { self.state.withLock { $0 = $0 ?? target } }
}
