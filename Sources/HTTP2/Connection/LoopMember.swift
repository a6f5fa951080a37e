// What the event loop asks of each connection several times a second, instead of timers of their own.

import NIOCore

/// A connection whose deadlines are looked at by its event loop.
protocol LoopMember: AnyObject {
    /// Its place in ``LoopContext``'s list; kept by the context.
    var memberIndex: Int { get set }
    /// Acts on deadlines that have passed.
    func sweep(_ now: NIODeadline)
    /// Begins to end gracefully, when it belongs to this server.
    func drain(_ server: ServerLife)
    /// Closes at once, when it belongs to this server.
    func closeNow(_ server: ServerLife)
}
