// Statistics as JSON.

import PulserIR
import Store

enum StatsDocument {
    static func json(_ stats: StatsRow, _ query: StatsQuery, at now: Int64) -> JSONValue {
        .object([
            "version": .integer(1), "from": .moment(query.fromMilliseconds),
            "to": .moment(now), "bucket_ms": .integer(query.bucketMilliseconds),
            "is_partial": .bool(stats.isPartial),
            "buckets": .array(
                stats.buckets.enumerated().map { index, figures in
                    let at = query.fromMilliseconds + Int64(index) * query.bucketMilliseconds
                    return Self.json(figures, ["at": .moment(at)])
                }
            ),
            "lanes": .array(
                stats.lanes.map {
                    Self.json(
                        $0.figures,
                        ["session": .string($0.session), "lane": .string($0.lane)]
                    )
                }
            ),
            "templates": .array(
                stats.templates.map {
                    Self.json(
                        $0.figures,
                        [
                            "template": $0.template.map { .string($0) } ?? .null,
                            "plan": .string($0.plan),
                        ]
                    )
                }
            ),
            "queue": .array(
                stats.queue.map {
                    .object([
                        "session": .string($0.session), "lane": .string($0.lane),
                        "queued": .integer($0.queued), "queued_is_more": .bool($0.isMore),
                        "oldest_ms": .integer($0.oldestMilliseconds),
                    ])
                }
            ),
        ])
    }

    private static func json(
        _ figures: StatsFigures,
        _ names: [String: JSONValue]
    ) -> JSONValue {
        func time(_ milliseconds: Int64?) -> JSONValue {
            milliseconds.map { .integer($0) } ?? .null
        }
        let members: [String: JSONValue] = [
            "succeeded": .integer(figures.succeeded), "failed": .integer(figures.failed),
            "cancelled": .integer(figures.cancelled), "timed_out": .integer(figures.timedOut),
            "run_p50_ms": time(figures.runHalf), "run_p95_ms": time(figures.runMost),
            "wait_p50_ms": time(figures.waitHalf), "wait_p95_ms": time(figures.waitMost),
        ]
        return .object(members.merging(names) { $1 })
    }
}
