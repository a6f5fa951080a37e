// `/v1/stats`: how runs ended, how long they took and waited, over a time in buckets.

import Hummingbird
import PulserIR
import Store

struct StatsResource: Sendable {
    /// How far back statistics go.
    static let hoursMax: Int64 = 31 * 24
    /// Buckets, but for the one that has just begun.
    static let bucketsMax: Int64 = 60
    /// Statistics that are computed at once.
    static let questionsMax = 2

    /// Lengths of buckets, in minutes.
    private static let lengths: [Int64] = [1, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1_440]

    /// How long after one the same statistics are computed again, however many look at them.
    static let gap: Duration = .milliseconds(500)

    let store: Store
    let gate = RequestGate(max: Self.questionsMax)
    let answers = SharedAnswers<Choice, JSONValue>(gap: Self.gap)

    init(store: Store) { self.store = store }

    /// What is asked for.
    struct Choice: Hashable, Sendable {
        var hours: Int64
        var session: String?
        var lane: String?
        var template: String?
    }

    @Sendable
    func get(_ request: Request, _ context: GatewayContext) async throws -> Response {
        var query = try Query(request)
        let choice = Choice(
            hours: try query.integer("hours", in: 1...Self.hoursMax) ?? 24,
            session: try query.text("session"),
            lane: try query.text("lane"),
            template: try query.text("template")
        )
        try query.finish()
        return .json(try await self.answers.answer(for: choice) { try await self.stats(choice) })
    }

    private func stats(_ choice: Choice) async throws -> JSONValue {
        guard self.gate.enter() else {
            throw Problem(
                .overloaded,
                "\(Self.questionsMax) statistics are under way",
                next: "send it again in a second",
                fields: [.retryAfter: "1"]
            )
        }
        defer { self.gate.leave() }
        let now = RunClock.milliseconds()
        let bucket = Self.bucket(hours: choice.hours)
        let from = (now - choice.hours * 3_600_000) / bucket * bucket
        let asked = StatsQuery(
            fromMilliseconds: from,
            bucketMilliseconds: bucket,
            buckets: Int((now - from) / bucket + 1),
            session: choice.session,
            lane: choice.lane,
            template: choice.template
        )
        return StatsDocument.json(try await self.store.stats(asked), asked, at: now)
    }

    /// How long a bucket is, so that there are not too many.
    static func bucket(hours: Int64) -> Int64 {
        let length = Self.lengths.first { hours * 60 / $0 <= Self.bucketsMax } ?? 1_440
        return length * 60_000
    }
}
