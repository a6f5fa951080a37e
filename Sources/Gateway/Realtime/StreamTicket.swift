// What a subscriber was let in with: shared by nobody, given back when it is gone.

import HTTPTypes
import Metrics
import NIOCore
import PulserIR
import StateMachines
import Synchronization

/// What a caller asks of a stream.
public struct StreamWish: Sendable {
    /// What it covers.
    var scope: StreamScope
    /// The run it follows to its end, if it is one run's.
    var run: Int64?
    var format: StreamFormat
    var mode: SubscriptionMachine.Mode
    var filter: EventFilter
    /// `nil` is the scope's own: a run's first event, otherwise now.
    var start: SubscriptionMachine.Start?
    /// Who is counted: the token, and its tenant.
    var token: String
    var tenant: String

    init(
        scope: StreamScope,
        run: Int64? = nil,
        format: StreamFormat = .serverSentEvents,
        mode: SubscriptionMachine.Mode = .park,
        filter: EventFilter = EventFilter(),
        start: SubscriptionMachine.Start? = nil,
        token: String = "",
        tenant: String = ""
    ) {
        self.scope = scope
        self.run = run
        self.format = format
        self.mode = mode
        self.filter = filter
        self.start = start
        self.token = token
        self.tenant = tenant
    }
}

/// Where a subscriber begins. Let go once it was greeted: of a wide stream it is kilobytes.
struct StreamOpening: Sendable {
    let start: SubscriptionMachine.Start
    let bounds: SubscriptionMachine.Bounds
    /// How the topic begins on the subscriber's loop.
    let order: LoopOrder
}

/// A place among the subscribers, and what one of them needs all the time.
final class StreamTicket: Sendable {
    let wish: StreamWish
    let epoch: String
    /// The topic's number.
    let topic: Int
    /// Of a run's stream.
    let run: RunPlace?
    private let interest: TopicInterest
    private let seat: StreamSeat

    init(
        _ wish: StreamWish,
        epoch: String,
        topic: Int,
        run: RunPlace?,
        interest: TopicInterest,
        seat: StreamSeat
    ) {
        self.wish = wish
        self.epoch = epoch
        self.topic = topic
        self.run = run
        self.interest = interest
        self.seat = seat
        interest.begin(run: run?.run)
    }

    deinit { self.interest.end(run: self.run?.run) }
}

/// How many follow a topic, and which runs of it to their end.
final class TopicInterest: Sendable {
    private struct State {
        var count = 0
        var since = ContinuousClock.now
        var runs: [Int64: Int] = [:]
    }

    private let state = Mutex(State())

    func begin(run: Int64?) {
        self.state.withLock { state in
            state.count += 1
            if let run { state.runs[run, default: 0] += 1 }
        }
    }

    func end(run: Int64?) {
        self.state.withLock { state in
            state.count -= 1
            if state.count == 0 { state.since = .now }
            guard let run, let left = state.runs[run] else { return }
            state.runs[run] = left > 1 ? left - 1 : nil
        }
    }

    /// Since when nobody follows; `nil` while somebody does.
    var idleSince: ContinuousClock.Instant? {
        self.state.withLock { $0.count == 0 ? $0.since : nil }
    }

    /// Runs that somebody follows to their end.
    var runs: [Int64] { self.state.withLock { Array($0.runs.keys) } }
}

/// Bounds of how many may subscribe at once.
public struct StreamCaps: Sendable {
    /// Streams of one token. Default 12,000.
    public var perTokenMax = 12_000
    /// Streams of one tenant. Default 20,000.
    public var perTenantMax = 20_000
    /// Streams of this node. Default 50,000.
    public var totalMax = 50_000

    /// The defaults.
    public init() {}
}

/// Counts subscribers; one too many is refused, and nobody is ever sent away for another.
final class StreamSeats: Sendable {
    private struct State {
        var total = 0
        var tokens: [String: Int] = [:]
        var tenants: [String: Int] = [:]
    }

    private let caps: StreamCaps
    private let state = Mutex(State())

    init(_ caps: StreamCaps) { self.caps = caps }

    /// Takes a seat.
    ///
    /// - Throws: `overloaded`, saying what is full.
    func take(token: String, tenant: String) throws(Problem) -> StreamSeat {
        let full: String? = self.state.withLock { state in
            if state.total >= self.caps.totalMax {
                return "this node has \(self.caps.totalMax) event streams already"
            }
            if state.tokens[token, default: 0] >= self.caps.perTokenMax {
                return "the token has \(self.caps.perTokenMax) event streams already"
            }
            if state.tenants[tenant, default: 0] >= self.caps.perTenantMax {
                return "the tenant has \(self.caps.perTenantMax) event streams already"
            }
            state.total += 1
            state.tokens[token, default: 0] += 1
            state.tenants[tenant, default: 0] += 1
            return nil
        }
        if let full {
            GatewayMetrics.streamsRefused.increment()
            throw Problem(
                .overloaded,
                full,
                next: "follow a session with one stream instead of each of its runs with one, or "
                    + "come again later",
                fields: [.retryAfter: "\(Int.random(in: 5...20))"]
            )
        }
        return StreamSeat(self, token: token, tenant: tenant)
    }

    fileprivate func leave(token: String, tenant: String) {
        self.state.withLock { state in
            state.total -= 1
            Self.decrement(&state.tokens, token)
            Self.decrement(&state.tenants, tenant)
        }
    }

    /// How many seats are taken.
    var count: Int { self.state.withLock(\.total) }

    private static func decrement(_ counts: inout [String: Int], _ key: String) {
        let left = (counts[key] ?? 0) - 1
        counts[key] = left > 0 ? left : nil
    }
}

/// One seat; given back when it is released.
final class StreamSeat: Sendable {
    private let seats: StreamSeats
    private let token: String
    private let tenant: String

    fileprivate init(_ seats: StreamSeats, token: String, tenant: String) {
        self.seats = seats
        self.token = token
        self.tenant = tenant
    }

    deinit { self.seats.leave(token: self.token, tenant: self.tenant) }
}
