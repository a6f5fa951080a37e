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

    let store: Store
    let gate: RequestGate

    @Sendable
    func get(_ request: Request, _ context: GatewayContext) async throws -> Response {
        var query = try Query(request)
        let hours = try query.integer("hours", in: 1...Self.hoursMax) ?? 24
        let session = try query.text("session")
        let lane = try query.text("lane")
        let template = try query.text("template")
        try query.finish()
        let now = RunClock.milliseconds()
        let bucket = Self.bucket(hours: hours)
        let from = (now - hours * 3_600_000) / bucket * bucket
        let count = (now - from) / bucket + 1
        let asked = StatsQuery(
            fromMilliseconds: from,
            bucketMilliseconds: bucket,
            buckets: Int(count),
            session: session,
            lane: lane,
            template: template
        )
        guard self.gate.enter() else {
            throw Problem(
                .overloaded,
                "\(Self.questionsMax) statistics are under way",
                next: "send it again in a second",
                fields: [.retryAfter: "1"]
            )
        }
        defer { self.gate.leave() }
        let stats = try await self.store.stats(asked)
        return .json(StatsDocument.json(stats, asked, at: now))
    }

    /// How long a bucket is, so that there are not too many.
    static func bucket(hours: Int64) -> Int64 {
        let length = Self.lengths.first { hours * 60 / $0 <= Self.bucketsMax } ?? 1_440
        return length * 60_000
    }
}
