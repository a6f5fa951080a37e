// Between the transport and the router: an exchange becomes a request, a response an answer.

public import HTTP2
import HTTPTypes
import Hummingbird
import Logging
import NIOCore

/// The way in for every request.
public struct Door: Sendable {
    private let responder: RouterResponder<GatewayContext>
    private let logger: Logger
    private let date = DateStamp()
    private let openings = OpeningLine()

    init(responder: RouterResponder<GatewayContext>, logger: Logger) {
        self.responder = responder
        self.logger = logger
    }

    /// Answers one request, exactly once.
    public func respond(to exchange: any ServerExchange) async {
        let fields = exchange.request.headerFields
        let trace = fields[.traceparent].flatMap { TraceID(traceparent: $0) } ?? TraceID()
        let context = GatewayContext(
            source: GatewayContextSource(logger: self.logger, exchange: exchange, trace: trace)
        )
        let request = Request(
            head: exchange.request,
            body: RequestBody(asyncSequence: exchange.body)
        )
        // Only those that open quickly: a body that drips in would keep its place.
        let isStream =
            [.get, .head].contains(exchange.request.method)
            && (exchange.request.path ?? "").prefix { $0 != "?" }.hasSuffix("/events")
        let response =
            isStream
            ? await self.openings.turn { await self.response(to: request, context) }
            : await self.response(to: request, context)
        await self.send(response, context)
    }

    private func response(to request: Request, _ context: GatewayContext) async -> Response {
        do {
            return try await self.responder.respond(to: request, context: context)
        } catch {
            return Problem(error).response(context)
        }
    }

    private func send(_ response: Response, _ context: GatewayContext) async {
        let exchange = context.exchange
        var head = response.head
        self.finish(&head.headerFields, context)
        // RFC 9110, 8.6: no length where there is no body to have one, nor one that is not known.
        let isHead = exchange.request.method == .head
        if head.status == .noContent || head.status == .notModified
            || isHead && !context.stream.hasLength
        {
            head.headerFields[.contentLength] = nil
        }
        if isHead {
            exchange.respond(head, body: nil)
        } else if let make = context.stream.take() {
            exchange.respond(head, pulling: make)
        } else if response.body.contentLength == 0 {
            exchange.respond(head, body: nil)
        } else {
            await self.write(response.body, head, context)
        }
    }

    private func write(
        _ body: ResponseBody,
        _ head: HTTPResponse,
        _ context: GatewayContext
    ) async {
        let answer = Answer(context.exchange, head, length: body.contentLength)
        do {
            try await body.write(AnswerWriter(answer: answer))
            // A body that forgot to end must not leave the peer waiting; a complete one is done.
            answer.finish(nil)
        } catch {
            if answer.hasBegun {
                answer.abort()
            } else {
                let problem = Problem(error).response(context)
                await self.send(problem, context)
            }
            self.logger.debug(
                "answer broken off",
                metadata: ["trace": "\(context.trace)", "error": "\(error)"]
            )
        }
    }

    /// What every answer carries.
    private func finish(_ fields: inout HTTPFields, _ context: GatewayContext) {
        fields[.date] = self.date.text()
        fields[.traceID] = context.trace.description
        fields[.xContentTypeOptions] = "nosniff"
        if fields[.cacheControl] == nil { fields[.cacheControl] = "no-store" }
        if fields[.contentSecurityPolicy] == nil {
            fields[.contentSecurityPolicy] = "default-src 'none'; frame-ancestors 'none'"
        }
        fields[.referrerPolicy] = "no-referrer"
        fields[.crossOriginResourcePolicy] = "same-origin"
        if context.exchange.origin.isTLS {
            fields[.strictTransportSecurity] = "max-age=31536000"
        }
    }
}
