// The server's end of an HTTP/2 connection: makes requests of streams and starts their handlers.

import CNghttp2
import HTTPTypes
import NIOCore

/// A connection of a client.
@safe final class ServerConnection: HTTP2Connection {
    let handler: @Sendable (any ServerExchange) async -> Void
    let origin: RequestOrigin
    /// Tasks of handlers that have not returned, whether or not their stream is still open.
    private(set) var tasksCount = 0

    init(
        eventLoop: any EventLoop,
        limits: ConnectionLimits,
        origin: RequestOrigin,
        handler: @escaping @Sendable (any ServerExchange) async -> Void
    ) {
        self.handler = handler
        self.origin = origin
        super.init(isServer: true, eventLoop: eventLoop, limits: limits)
    }

    override var settings: [(nghttp2_settings_id, UInt32)] {
        [
            (NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, UInt32(self.limits.streamsMax)),
            (NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, UInt32(self.limits.streamWindowBytes)),
            (NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, UInt32(self.limits.headerListBytesMax)),
        ]
    }

    override func makeStream(_ id: Int32) -> HTTP2Stream? {
        guard self.tasksCount < self.limits.streamsMax else {
            self.reset(id, StreamCode.refused)
            return nil
        }
        return ServerStream(id: id, connection: self)
    }

    /// Runs the handler of a request in a task of its own.
    func begin(_ exchange: HTTP2Exchange) -> Task<Void, Never> {
        self.tasksCount += 1
        let handler = self.handler
        let connection = NIOLoopBound(self, eventLoop: self.eventLoop)
        // SAFETY: ServerStream cancels it when the stream ends; `tasksCount` tells who waits.
        return Task(executorPreference: self.loop.executor) {
            await handler(exchange)
            exchange.handlerReturned()
            connection.value.tasksCount -= 1
        }
    }
}
