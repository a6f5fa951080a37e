// Has connections with much to send wait until their event loop has looked at its other sockets.

import Glibc
import NIOCore
import NIOPosix

/// What goes on in the next turn of the event loop. Confined to the loop.
protocol TurnTaker: AnyObject {
    /// The sockets of the loop were looked at.
    func takeTurn()
}

/// The turns of one event loop. Confined to it.
///
/// NIO runs what is executed on a loop until nothing is left, and looks at sockets only then: a
/// connection that went on by `execute` would keep all others waiting for as long as its peer takes
/// everything. A byte in a pipe comes back together with what sockets bring.
///
/// Owner: ``LoopContext``. Ends: with the loop, which closes the channel.
final class LoopTurns: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    let eventLoop: any EventLoop
    private var waiting: [any TurnTaker] = []
    /// The end of the pipe where turns are asked for; -1 without.
    private var descriptor: Int32 = -1
    private var isOpened = false
    private var isAsked = false

    init(_ eventLoop: any EventLoop) { self.eventLoop = eventLoop }

    deinit { if self.descriptor >= 0 { close(self.descriptor) } }

    /// Has a connection go on in the next turn; it asks once.
    func wait(_ taker: any TurnTaker) {
        self.waiting.append(taker)
        guard !self.isAsked else { return }
        self.isAsked = true
        if !self.isOpened { self.open() }
        var byte: UInt8 = 0
        if self.descriptor >= 0, unsafe write(self.descriptor, &byte, 1) == 1 { return }
        // Without descriptors: most of the time others have had their turn after so long.
        self.eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(1)) { self.turn() }
    }

    private func open() {
        self.isOpened = true
        guard let bootstrap = NIOPipeBootstrap(validatingGroup: self.eventLoop) else { return }
        var ends: [Int32] = [-1, -1]
        guard unsafe pipe(&ends) == 0 else { return }
        for end in ends {
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
        }
        self.descriptor = ends[1]
        let handler = NIOLoopBound(self, eventLoop: self.eventLoop)
        bootstrap.channelInitializer { channel in
            channel.eventLoop.makeCompletedFuture {
                try channel.pipeline.syncOperations.addHandler(handler.value)
            }
        }
        .takingOwnershipOfDescriptor(input: ends[0])
        .whenFailure { _ in handler.value.closed() }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        self.turn()
        context.fireChannelReadComplete()
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.closed()
        context.fireChannelInactive()
    }

    private func closed() {
        if self.descriptor >= 0 { close(self.descriptor) }
        self.descriptor = -1
        if self.isAsked { self.turn() }
    }

    private func turn() {
        self.isAsked = false
        let takers = self.waiting
        self.waiting = []
        for taker in takers { taker.takeTurn() }
    }
}
