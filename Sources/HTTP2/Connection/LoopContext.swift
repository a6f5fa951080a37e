// What the connections of one event loop share: buffers to build in, one wake-up for many of them.

import NIOCore
import NIOPosix

/// Shared by all connections of an event loop; confined to it.
final class LoopContext {
    // SAFETY: each thread sees its own value.
    nonisolated(unsafe) private static let current = ThreadSpecificVariable<LoopContext>()

    let eventLoop: any EventLoop
    /// Runs the handlers of requests.
    let executor: LoopExecutor
    /// The buffer the next connection writes its frames into; its memory is used again and again.
    var out: ByteBuffer
    /// Where the fields of a message are laid out for the library, which copies them.
    let arena = FieldArena()
    /// Names of fields seen before.
    let names = FieldNames()
    private var waiting: [HTTP2Connection] = []
    private var isScheduled = false

    private init(_ eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
        self.executor = LoopExecutor(eventLoop)
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
}
