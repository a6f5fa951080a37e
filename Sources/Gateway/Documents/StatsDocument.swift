// Statistics as JSON.

import PulserIR
import Store

enum StatsDocument {
    static func json(_ stats: StatsRow, _ query: StatsQuery, at now: Int64) -> JSONValue {
        .object([
            "version": .integer(1), "from": .moment(query.fromMilliseconds),
            "to": .moment(now), "bucket_ms": .integer(query.bucketMilliseconds),
            "is_partial": .bool(stats.isPartial), "is_sampled": .bool(stats.isSampled),
            "lanes_is_more": .bool(stats.lanesAreMore),
            "templates_is_more": .bool(stats.templatesAreMore),
            "queue_is_more": .bool(stats.queueIsMore),
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
        _ figures: StatsFigures?,
        _ names: [String: JSONValue]
    ) -> JSONValue {
        func number(_ number: Int64?) -> JSONValue { number.map { .integer($0) } ?? .null }
        let members: [String: JSONValue] = [
            "succeeded": number(figures?.succeeded), "failed": number(figures?.failed),
            "cancelled": number(figures?.cancelled), "timed_out": number(figures?.timedOut),
            "run_p50_ms": number(figures?.runHalf), "run_p95_ms": number(figures?.runMost),
            "wait_p50_ms": number(figures?.waitHalf), "wait_p95_ms": number(figures?.waitMost),
        ]
        return .object(members.merging(names) { $1 })
    }
}
