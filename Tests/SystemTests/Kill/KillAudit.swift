// Decides whether a run that was cut off again and again kept its promises.

import Foundation
import PulserIR
import Testing

/// The words of statuses as the database has them.
enum RunWords {
    static let ended = RunStatus.allCases.filter(\.isTerminal).map(\.rawValue)
}

/// One run of ``KillPlan`` under observation.
final class KillAudit {
    private let site: Site
    private let run: String
    private let number: Int64
    private let folder: String
    private let seed: UInt64
    /// Lines of steps whose success was on record at some kill.
    private var settled: [String: Int] = [:]

    init(site: Site, run: String, folder: String, seed: UInt64) {
        self.site = site
        self.run = run
        self.number = RunID(run)?.number ?? 0
        self.folder = folder
        self.seed = seed
    }

    private func rows(_ sql: String) async throws -> [[String]] { try await self.site.rows(sql) }

    private func lineCount(_ step: String) -> Int {
        self.site.lines("\(self.folder)/\(step)").count
    }

    func status() async throws -> String {
        try await self.rows("SELECT status FROM run_any WHERE id = \(self.number)")[0][0]
    }

    /// Notes which steps are done for good at the moment of a kill.
    func remember() async throws {
        guard self.site.databaseURL != nil || self.site.hasNodeFile else { return }
        let done = try await self.rows(
            "SELECT step FROM step_any WHERE run_id = \(self.number) AND state = 'succeeded'"
        )
        for row in done where self.settled[row[0]] == nil {
            self.settled[row[0]] = self.lineCount(row[0])
        }
    }

    /// Decides as a person would: looks, and has the step run when it did not happen.
    func answer() async throws {
        let reason = try await self.rows(
            "SELECT wait_reason FROM run_any WHERE id = \(self.number)"
        )[
            0
        ][0]
        guard let step = reason.split(separator: "'").dropFirst().first.map(String.init),
            KillPlan.steps.contains(where: { $0.id == step && $0.effects == .destructive })
        else {
            // Another kill or another step's end came first: it does not wait any more.
            return #expect(reason.isEmpty, "seed \(self.seed): waits for no step: \(reason)")
        }
        #expect(self.lineCount(step) == 0, "seed \(self.seed): \(step) happened, yet it waits")
        let answer = try await self.site.run([
            "runs", "retry", self.run, "--from", step, "--detach",
        ])
        try #require(answer.code == 0, "seed \(self.seed): \(answer.error)")
    }

    /// Checks the ended run, whose node was killed so often.
    func check(kills: Int) async throws {
        let hint = Comment(rawValue: "seed \(self.seed), run \(self.run)")
        #expect(try await self.status() == "succeeded", hint)
        let journal = try await self.rows(
            """
            SELECT step, count(*) FILTER (WHERE state = 'succeeded'), max(attempt)
            FROM step_any WHERE run_id = \(self.number) GROUP BY step
            """
        )
        #expect(Set(journal.map { $0[0] }) == Set(KillPlan.steps.map(\.id)), hint)
        for row in journal {
            #expect(row[1] == "1", "\(hint): \(row[0]) succeeded \(row[1]) times")
        }
        for (id, effects) in KillPlan.steps {
            let count = self.lineCount(id)
            let attempts = journal.first { $0[0] == id }.flatMap { Int($0[2]) } ?? 0
            switch effects {
            case .destructive: #expect(count == 1, "\(hint): \(id) has \(count) lines")
            case .idempotent:
                #expect((1...attempts).contains(count), "\(hint): \(id) has \(count) lines")
            case .none:
                #expect((1...1 + kills).contains(count), "\(hint): \(id) has \(count) lines")
            }
            if let before = self.settled[id] {
                #expect(count == before, "\(hint): \(id) ran again after it had succeeded")
            }
        }
    }
}

/// What holds for every lane's log, whatever happened.
enum LaneLogAudit {
    /// Checks numbers and the events of every run.
    static func check(_ site: Site, _ hint: String) async throws {
        let rows = try await site.rows(
            """
            SELECT lane_id, first_seq, n, convert_from(bytes, 'UTF8') FROM run_events
            ORDER BY lane_id, first_seq
            """
        )
        var next: [String: Int] = [:]
        var seen: [String: [String]] = [:]
        for row in rows {
            let lines = row[3].split(separator: "\n")
            #expect(lines.count == Int(row[2]), "\(hint): a chunk of lane \(row[0]) is cut")
            for line in lines {
                let event = try JSONValue(parsing: String(line))
                let expected = next[row[0], default: 1]
                #expect(event["seq"] == .integer(Int64(expected)), "\(hint): lane \(row[0])")
                next[row[0]] = expected + 1
                let kind = event["type"]?.stringValue ?? ""
                guard ["step.succeeded", "run.succeeded"].contains(kind) else { continue }
                let step = event["step"]?.stringValue ?? ""
                let what = "\(event["run"]?.stringValue ?? "") \(kind) \(step)"
                seen[what, default: []].append(String(line))
            }
        }
        for (what, lines) in seen {
            #expect(lines.count == 1, "\(hint): \(what): \(lines.joined(separator: "\n"))")
        }
    }
}
