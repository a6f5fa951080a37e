// One call on its way to its actor: what it asks for, who gets the answer, whether it is still wanted.

internal import NIOCore
internal import Synchronization

/// A call that has arrived.
final class IncomingCall: Sendable {
    /// The arguments, as they came.
    enum Arguments: Sendable {
        /// Encoded; they begin at the place.
        case bytes([UInt8], at: Int)
        /// From a caller on this node.
        case values([LocalValue])
    }

    let head: CallHead
    let arguments: Arguments
    /// When nobody waits for it any more.
    let deadline: NIODeadline
    private let answer: @Sendable (CallOutcome) -> Void

    private struct State: ~Copyable {
        var isCancelled = false
        var mailbox: Mailbox?
        /// Executed for this one.
        var deputy: IncomingCall?
    }

    private let state = Mutex(State())

    /// Takes a call in.
    ///
    /// - Parameters:
    ///   - head: What is called.
    ///   - arguments: With what.
    ///   - deadline: When its caller gives up.
    ///   - answer: Called once with the outcome.
    init(
        _ head: CallHead,
        _ arguments: Arguments,
        deadline: NIODeadline,
        answer: @escaping @Sendable (CallOutcome) -> Void
    ) {
        self.head = head
        self.arguments = arguments
        self.deadline = deadline
        self.answer = answer
    }

    /// Nobody wants the result: it is not begun, or its task is cancelled.
    func cancel() {
        let (mailbox, deputy) = self.state.withLock { state in
            state.isCancelled = true
            return (state.mailbox, state.deputy)
        }
        mailbox?.cancel(self)
        deputy?.cancel()
    }

    /// Another call is executed for this one, and cancelled with it.
    func stands(behind deputy: IncomingCall) {
        let isCancelled = self.state.withLock { state in
            state.deputy = deputy
            return state.isCancelled
        }
        if isCancelled { deputy.cancel() }
    }

    /// Whether nobody wants the result.
    var isCancelled: Bool { self.state.withLock { $0.isCancelled } }

    /// It waits in a mailbox, or is executed from there.
    func entered(_ mailbox: Mailbox?) { self.state.withLock { $0.mailbox = mailbox } }

    func finish(_ outcome: CallOutcome) { self.answer(outcome) }
}
