// The statements of boards and statistics, for the test that asks them of a million runs.

import Testing

@testable import Store

extension MillionTests {
    /// What somebody who looks at the web page has asked.
    static let boards: [Asked] = [
        Asked(
            statement: BoardSQL.counts,
            values: [Self.array(61...68), "1001"],
            indexes: ["run_live", "run_ready", "run_keyed", "run_lane_due", "run_lane_paused"],
            isQuestion: true
        ),
        Asked(
            statement: BoardSQL.active,
            values: [Self.array(1...128), "500"],
            indexes: ["run_live"],
            isQuestion: true
        ),
        Asked(
            statement: BoardSQL.next,
            values: [Self.array(53...76), "20"],
            indexes: ["run_ready", "run_keyed", "run_pkey"],
            isQuestion: true
        ),
        Asked(
            statement: BoardSQL.later,
            values: [Self.array(1...64), "20"],
            indexes: ["run_lane_due"],
            isQuestion: true
        ),
        Asked(
            statement: BoardSQL.paused,
            values: [Self.array(1...64), "20"],
            indexes: ["run_lane_paused"],
            isQuestion: true
        ),
        Asked(
            statement: BoardSQL.recent,
            values: [Self.array(1...4), "5", "50", "10000"],
            indexes: ["_lane_id_id_idx", "_finished_at_idx"],
            isQuestion: true
        ),
        Asked(
            statement: BoardSQL.steps,
            values: [Self.array(1...64), "2000"],
            indexes: ["step_journal_pkey"],
            isQuestion: true
        ),
        Asked(
            statement: BoardSQL.kept,
            values: [Self.array(1...64), "262144"],
            indexes: ["_id_idx"],
            isQuestion: true
        ),
        Asked(
            statement: BoardSQL.waiting,
            values: ["1", "1000", "10000"],
            indexes: ["run_live", "approval_pkey"],
            isQuestion: true
        ),
        Asked(
            statement: StatsSQL.queue,
            values: ["NULL", "8", "1001", "100"],
            indexes: ["run_ready", "run_keyed"],
            isQuestion: true
        ),
    ]
}
