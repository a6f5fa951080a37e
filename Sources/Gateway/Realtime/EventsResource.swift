// The endpoints of event streams: what a caller may ask for, and what it is told when it may not.

import HTTP2
import HTTPTypes
import Hummingbird
import NIOCore
import PulserIR
import StateMachines
import Store

/// Live events of everything, a session, a lane or a run.
struct EventsResource: Sendable {
    let hub: EventHub
    /// Knows sessions by their names.
    let store: Store

    /// Runs whose output one stream gives among others.
    static let watchedMax = 100

    /// `GET /v1/events`
    @Sendable
    func all(_ request: Request, _ context: GatewayContext) async throws -> Response {
        var query = try Query(request)
        let lanes = try Self.lanes(&query)
        let scope: StreamScope = lanes.isEmpty ? .everything : .lanes(lanes)
        let runs = try Self.runs(&query)
        return try await self.answer(request, context, &query, scope, runs: runs)
    }

    /// `GET /v1/sessions/{id}/events`
    @Sendable
    func session(_ request: Request, _ context: GatewayContext) async throws -> Response {
        var query = try Query(request)
        let text = try context.parameter("id")
        // By name or number, as everywhere; a number is not looked up: thousands may come at once.
        let session =
            if Int64(text) == nil {
                try await self.store.session(text).id
            } else {
                try Self.number("session", text)
            }
        let wanted = try Self.lanes(&query)
        let runs = try Self.runs(&query)
        guard !wanted.isEmpty else {
            return try await self.answer(request, context, &query, .session(session), runs: runs)
        }
        let own = try await self.hub.source.lanes(of: .session(session))
        if let stranger = wanted.first(where: { !own.contains($0) }) {
            throw Problem(.notFound, "session \(session) has no lane \(stranger)")
        }
        return try await self.answer(request, context, &query, .lanes(wanted), runs: runs)
    }

    /// `GET /v1/lanes/{id}/events`
    @Sendable
    func lane(_ request: Request, _ context: GatewayContext) async throws -> Response {
        var query = try Query(request)
        let lane = try Self.number("lane", try context.parameter("id"))
        let runs = try Self.runs(&query)
        return try await self.answer(request, context, &query, .lanes([lane]), runs: runs)
    }

    /// `GET /v1/runs/{id}/events`
    @Sendable
    func run(_ request: Request, _ context: GatewayContext) async throws -> Response {
        var query = try Query(request)
        let text = try context.parameter("id")
        guard let run = RunID(text) else { throw Problem(.notFound, "there is no run '\(text)'") }
        return try await self.answer(
            request,
            context,
            &query,
            .lanes([]),
            run: run.number,
            runs: [run.number]
        )
    }

    private func answer(
        _ request: Request,
        _ context: GatewayContext,
        _ query: inout Query,
        _ scope: StreamScope,
        run: Int64? = nil,
        runs: [Int64]
    ) async throws -> Response {
        guard let format = StreamFormat(accept: request.headers[.accept]) else {
            let known = StreamFormat.allCases.map(\.rawValue).joined(separator: ", ")
            throw Problem(
                .notAcceptable,
                "event streams are given in none of the forms that are accepted",
                next: "accept one of \(known)"
            )
        }
        let filter = EventFilter(
            kinds: try Self.known(EventFilter.kinds(query.list("types")), "types"),
            levels: try Self.known(EventFilter.levels(query.list("levels")), "levels"),
            runs: runs,
            // A run's own stream is watched.
            watched: run == nil ? try Self.watched(&query) : nil
        )
        let mode = try query.choice("mode", SubscriptionMachine.Mode.self) ?? .park
        let from = try query.text("from")
        try query.finish()
        let lastEventID = HTTPField.Name("last-event-id").flatMap { request.headers[$0] }
        let wish = StreamWish(
            scope: scope,
            run: run,
            format: format,
            mode: mode,
            filter: filter,
            // A browser comes back to the same address with the field added: the field counts.
            start: try Self.start(lastEventID ?? from),
            token: context.principal.token ?? context.principal.name,
            tenant: context.principal.tenant
        )
        // A HEAD is answered without a stream, but like a GET in everything else.
        let make = try await self.hub.subscribe(wish, on: context.exchange.eventLoop)
        var fields: HTTPFields = [
            .contentType: format.contentType, .cacheControl: "no-store", .vary: "Accept",
        ]
        // Proxies must pass every event on at once.
        if let name = HTTPField.Name("x-accel-buffering") { fields[name] = "no" }
        return context.stream.pull(fields, make)
    }

    /// `nil` is the scope's own beginning.
    static func start(_ text: String?) throws(Problem) -> SubscriptionMachine.Start? {
        switch text {
        case nil, "": return nil
        case "start": return .beginning
        case "now": return .now
        case let text?:
            guard let cursor = StreamCursor(text) else {
                throw Query.problem(
                    "from",
                    "'\(text.prefix(64))' is not a cursor",
                    next: "give the id of an event as it was received, 'start' or 'now'"
                )
            }
            return .cursor(cursor)
        }
    }

    private static func number(_ what: String, _ text: String) throws(Problem) -> Int64 {
        guard let number = Int64(text), number > 0, "\(number)" == text else {
            throw Problem(.notFound, "there is no \(what) '\(text.prefix(64))'")
        }
        return number
    }

    private static func lanes(_ query: inout Query) throws(Problem) -> [Int64] {
        var lanes: Set<Int64> = []
        for text in query.list("lanes") { lanes.insert(try Self.number("lane", text)) }
        return lanes.sorted()
    }

    /// The runs whose output is wanted; `nil` when nothing is said about it.
    private static func watched(_ query: inout Query) throws(Problem) -> [Int64]? {
        guard query.has("watch") else { return nil }
        let runs = try Self.runs(&query, "watch")
        guard runs.count <= Self.watchedMax else {
            throw Query.problem("watch", "'watch' takes up to \(Self.watchedMax) runs")
        }
        return runs
    }

    private static func runs(
        _ query: inout Query,
        _ name: String = "runs"
    ) throws(Problem) -> [Int64] {
        var runs: Set<Int64> = []
        for text in query.list(name) {
            guard let run = RunID(text) else {
                throw Query.problem(name, "'\(text.prefix(64))' is not a run's id")
            }
            runs.insert(run.number)
        }
        return runs.sorted()
    }

    private static func known<Value>(
        _ result: Result<Value, EventFilter.UnknownName>,
        _ parameter: String
    ) throws(Problem) -> Value {
        switch result {
        case .success(let value): return value
        case .failure(let error):
            let known =
                parameter == "types"
                ? EventFacts.kinds.map(\.rawValue) : EventFacts.levels.map(\.rawValue)
            throw Query.problem(
                parameter,
                "'\(error.name.prefix(64))' names no event",
                next: "known are \(known.joined(separator: ", "))"
            )
        }
    }
}
