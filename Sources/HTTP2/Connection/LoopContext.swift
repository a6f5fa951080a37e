// What the connections of one event loop share: buffers to build in, one wake-up for many of them.

import Metrics
import NIOCore
import NIOPosix

/// Shared by all connections of an event loop; confined to it.
final class LoopContext {
    /// How often deadlines are looked at.
    private static let sweepInterval = TimeAmount.milliseconds(250)
    // SAFETY: each thread sees its own value.
    nonisolated(unsafe) private static let current = ThreadSpecificVariable<LoopContext>()

    let eventLoop: any EventLoop
    /// Where connections with much to send wait for the others.
    let turns: LoopTurns
    /// Runs the handlers of requests.
    let executor: LoopExecutor
    /// The buffer the next connection writes its frames into; its memory is used again and again.
    var out: ByteBuffer
    /// Where the fields of a message are laid out for the library, which copies them.
    let arena = FieldArena()
    /// Names of fields seen before.
    let names = FieldNames()
    let requestsHTTP1 = HTTP2Metrics.requests(version: .http1)
    let requestsHTTP2 = HTTP2Metrics.requests(version: .http2)
    private var waiting: [HTTP2Connection] = []
    private var isScheduled = false
    private var members: [any LoopMember] = []
    private var isSweeping = false

    private init(_ eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
        self.turns = LoopTurns(eventLoop)
        self.executor = LoopExecutor(self.turns)
        self.out = ByteBufferAllocator().buffer(capacity: HTTP2Connection.writeBytes + 20_000)
    }

    /// The context of an event loop. Call it on the loop.
    static func of(_ eventLoop: any EventLoop) -> LoopContext {
        if let context = unsafe Self.current.currentValue, context.eventLoop === eventLoop {
            return context
        }
        let context = LoopContext(eventLoop)
        unsafe Self.current.currentValue = context
        return context
    }

    // MARK: Pumping

    /// Has a connection pumped at the end of this turn of the loop.
    func schedule(_ connection: HTTP2Connection) {
        self.waiting.append(connection)
        guard !self.isScheduled else { return }
        self.isScheduled = true
        self.eventLoop.assumeIsolated().execute { self.pumpWaiting() }
    }

    private func pumpWaiting() {
        self.isScheduled = false
        var connections: [HTTP2Connection] = []
        swap(&connections, &self.waiting)
        for connection in connections where connection.isPumpScheduled { connection.pump() }
        connections.removeAll(keepingCapacity: true)
        if self.waiting.isEmpty { swap(&connections, &self.waiting) }
    }

    // MARK: Members

    /// Every connection there is.
    var allMembers: [any LoopMember] { self.members }

    /// Has a connection's deadlines looked at from now on.
    func add(_ member: any LoopMember) {
        member.memberIndex = self.members.count
        self.members.append(member)
        guard !self.isSweeping else { return }
        self.isSweeping = true
        self.scheduleSweep()
    }

    /// A connection is over.
    func remove(_ member: any LoopMember) {
        let index = member.memberIndex
        guard index >= 0, let last = self.members.popLast() else { return }
        if last !== member {
            self.members[index] = last
            last.memberIndex = index
        }
        member.memberIndex = -1
    }

    private func scheduleSweep() {
        self.eventLoop.assumeIsolated().scheduleTask(in: Self.sweepInterval) { self.sweep() }
    }

    private func sweep() {
        let now = NIODeadline.now()
        // From the end: a member that leaves is replaced by one that was seen already.
        for index in stride(from: self.members.count - 1, through: 0, by: -1)
        where index < self.members.count {
            self.members[index].sweep(now)
        }
        self.isSweeping = !self.members.isEmpty
        if self.isSweeping { self.scheduleSweep() }
    }
}
