// A connection of HTTP/1.1: one request at a time, the next ones wait in the socket.

import HTTPTypes
import Metrics
import NIOCore
import NIOHTTP1

/// Takes requests from NIO's decoder and writes answers as bytes.
///
/// Owner: the pipeline. Runs on: the channel's event loop only. Ends: an inactive channel.
final class HTTP1Connection: ChannelDuplexHandler, LoopMember, TurnTaker {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = Never
    typealias OutboundIn = Never
    typealias OutboundOut = ByteBuffer

    /// Bytes of a request's body that may wait for its reader before we stop reading.
    private static let inboundBytesMax = 131_072

    let eventLoop: any EventLoop
    let server: ServerLife
    let origin: RequestOrigin
    let loop: LoopContext
    var context: ChannelHandlerContext?
    var memberIndex = -1
    /// The request being answered.
    var current: HTTP1Stream?
    /// Requests that came before the one before them was answered.
    private var pipelined = CircularBuffer<HTTPServerRequestPart>()
    private var tasksCount = 0
    private var requestsCount = 0
    var isPumping = false
    /// Bytes of bodies written since others had their turn.
    var turnBytes = 0
    var isTurnAwaited = false
    private var isPumpScheduled = false
    private var wantsRead = false
    var isDraining = false
    /// Nothing more is answered; what still comes is dropped.
    var isClosing = false
    private var isGone = false
    var deadlines: HTTP1DeadlineMachine

    init(eventLoop: any EventLoop, server: ServerLife, origin: RequestOrigin) {
        self.eventLoop = eventLoop
        self.server = server
        self.origin = origin
        self.loop = LoopContext.of(eventLoop)
        self.deadlines = HTTP1DeadlineMachine(server.limits, at: .now())
    }

    var isWritable: Bool { self.context?.channel.isWritable == true }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        self.loop.add(self)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.gone()
        self.context = nil
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.gone()
        context.fireChannelInactive()
    }

    private func gone() {
        guard !self.isGone else { return }
        self.isGone = true
        self.loop.remove(self)
        self.pipelined.removeAll()
        let current = self.current
        self.current = nil
        current?.end(HTTP2Error(.connectionLost, "the connection was closed"))
        if self.tasksCount == 0 { self.server.left(self.origin.address) }
    }

    /// One handler less.
    func handlerReturned() {
        self.tasksCount -= 1
        if self.isGone, self.tasksCount == 0 { self.server.left(self.origin.address) }
    }

    // MARK: Reading

    /// Bytes have come, whatever they are.
    func bytesArrived(_ count: Int) { self.deadlines.bytesArrived(count, at: .now()) }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let part = self.unwrapInboundIn(data)
        self.loop.executor.hold(isBriefly: false)
        if self.pipelined.isEmpty, self.accepts(part) {
            self.take(part)
        } else {
            self.pipelined.append(part)
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        self.loop.executor.drain()
        self.pump()
        context.fireChannelReadComplete()
    }

    func read(context: ChannelHandlerContext) {
        let waiting = self.current?.inbound.waitingBytes ?? 0
        if self.pipelined.isEmpty, waiting < Self.inboundBytesMax {
            context.read()
        } else {
            self.wantsRead = true
        }
    }

    /// A reader has taken bytes or waits for some.
    func readMore() {
        guard self.wantsRead, let context = self.context else { return }
        self.wantsRead = false
        self.read(context: context)
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        self.deadlines.writable(context.channel.isWritable, at: .now())
        if context.channel.isWritable { self.pump() }
        context.fireChannelWritabilityChanged()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if error is HTTPParserError, self.current == nil, !self.isClosing {
            self.server.count(.protocolError)
            self.refuse(400)
        } else {
            self.isClosing = true
            context.close(promise: nil)
        }
    }

    /// Whether a part belongs to what is going on.
    private func accepts(_ part: HTTPServerRequestPart) -> Bool {
        if case .head = part { return self.current == nil }
        return true
    }

    private func take(_ part: HTTPServerRequestPart) {
        guard !self.isClosing else { return }
        switch part {
        case .head(let head): self.begin(head)
        case .body(let bytes):
            guard let current = self.current else { return }
            _ = current.inbound.received(bytes)
        case .end:
            self.deadlines.requestEnded()
            self.current?.inbound.end()
        }
    }

    private func begin(_ head: HTTPRequestHead) {
        let now = NIODeadline.now()
        self.deadlines.headArrived(at: now)
        let reading = HTTP1Head.read(head, limits: self.server.limits, isTLS: self.origin.isTLS)
        self.requestsCount += 1
        switch reading {
        case .refused(let status, let limit):
            if let limit { self.server.count(limit) }
            self.refuse(status, isHead: head.method == .HEAD)
        case .request(let request):
            let isLast = self.requestsCount >= self.server.limits.requestsMax
            let stream = HTTP1Stream(
                self,
                isHead: request.method == .head,
                isOld: head.version.minor == 0,
                isKeptAlive: head.isKeepAlive && !isLast,
                now: now
            )
            stream.isContinueExpected =
                request.headerFields[.expect]?.lowercased() == "100-continue"
            self.current = stream
            self.tasksCount += 1
            self.loop.requestsHTTP1.increment()
            let exchange = Exchange(request, origin: self.origin, stream: stream, hasBody: true)
            let handler = self.server.handler
            // SAFETY: the stream cancels it when the connection goes; `tasksCount` is waited for.
            stream.task = Task(executorPreference: self.loop.executor) {
                await handler(exchange)
                exchange.handlerReturned()
            }
        }
    }

    /// Answers what cannot be a request, and closes.
    private func refuse(_ status: Int, isHead: Bool = false) {
        let stream = HTTP1Stream(
            self,
            isHead: isHead,
            isOld: false,
            isKeptAlive: false,
            now: .now()
        )
        self.current = stream
        let (response, body) = self.server.refusal(status)
        stream.answer(response, body)
    }

    /// The answer is complete: the next request may begin.
    func finished(_ stream: HTTP1Stream) {
        self.current = nil
        stream.end(nil)
        self.deadlines.answered(at: .now())
        guard stream.isKeptAlive, !self.isDraining else { return self.linger() }
        while let part = self.pipelined.first, self.accepts(part) {
            self.pipelined.removeFirst()
            self.take(part)
        }
        self.readMore()
    }

    // MARK: Pumping

    func schedulePump() {
        guard !self.isPumpScheduled else { return }
        self.isPumpScheduled = true
        self.eventLoop.assumeIsolated().execute {
            self.isPumpScheduled = false
            self.pump()
        }
    }
}
