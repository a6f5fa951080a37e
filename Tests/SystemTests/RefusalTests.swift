// Decides what becomes of a run whose writes the database refuses for good.

import Foundation
import PulserIR
import Testing

extension SystemTests {
    @Suite("Refusal", .timeLimit(.minutes(2)))
    struct RefusalTests {
        /// Has the database refuse rows of the first run.
        private func refuse(
            _ site: Site,
            _ table: String,
            _ event: String,
            _ condition: String
        ) async throws {
            _ = try await site.rows(
                """
                CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN RAISE EXCEPTION 'not this one'; END $$
                """
            )
            _ = try await site.rows(
                """
                CREATE TRIGGER refuse BEFORE \(event) ON \(table) FOR EACH ROW
                WHEN (\(condition)) EXECUTE FUNCTION refuse()
                """
            )
        }

        private func enqueue(_ site: Site, _ count: Int) async throws {
            let plan = try site.plan(
                "work",
                "steps: [{id: work, effects: destructive, shell: {argv: [\"true\"]}}]"
            )
            for _ in 0..<count { try await site.run(["run", plan, "--detach"]) }
        }

        private func eventuallyRuns(_ site: Site, _ wanted: [String]) async throws {
            try await eventually("the runs are \(wanted)") {
                try await site.rows("SELECT status FROM run_any ORDER BY id").map { $0[0] }
                    == wanted
            }
        }

        @Test("a run whose steps cannot be recorded is tried a few times, then fails saying why")
        func failing() async throws {
            try await Site.with { site in
                try await site.run(["migrate", "apply"])
                try await self.refuse(site, "step_journal", "INSERT", "NEW.run_id = 1")
                _ = try await site.startNode()
                try await self.enqueue(site, 2)
                try await self.eventuallyRuns(site, ["failed", "succeeded"])
                let run = try await site.rows("SELECT failure, claim_no FROM run_any WHERE id = 1")[
                    0
                ]
                #expect(run[0].contains("3 times") && run[0].contains("not this one"))
                // Of four tries the first one's claim came with its first write, and was refused with it.
                #expect(run[1] == "3")
            }
        }

        @Test("where many runs fail at once their lane rests; what is under way goes on")
        func resting() async throws {
            try await Site.with { site in
                try await site.run(["migrate", "apply"])
                // Of seven runs under way at once six cannot go on.
                try await self.refuse(site, "step_journal", "INSERT", "NEW.run_id > 1")
                let node = try await site.startNode(["--verbose"])
                try await site.run(["sessions", "create", "wide", "--lane", "A:8"])
                let plan = try site.plan(
                    "work",
                    """
                    steps: [{id: work, effects: destructive, shell: {argv: [sleep, "1"]}}]
                    """
                )
                let words = ["--session", "wide", "--lane", "A", "--detach"]
                for _ in 0..<7 { try await site.run(["run", plan] + words) }
                let failed = Array(repeating: "failed", count: 6)
                try await self.eventuallyRuns(site, ["succeeded"] + failed)
                #expect(node.errorOutput.contains("lane rests"))
                // It was claimed once: nobody took its work for what happened beside it.
                #expect(try await site.rows("SELECT claim_no FROM run_any WHERE id = 1") == [["1"]])
                // The lane works again.
                _ = try await site.rows("DROP TRIGGER refuse ON step_journal")
                try await site.run(["run", plan] + words)
                try await self.eventuallyRuns(site, ["succeeded"] + failed + ["succeeded"])
            }
        }

        @Test("so is one of which not even the claim can be stored")
        func unclaimed() async throws {
            try await Site.with { site in
                try await site.run(["migrate", "apply"])
                try await self.refuse(site, "run", "UPDATE", "NEW.id = 1")
                try await self.refuse(site, "run_done", "INSERT", "NEW.id = 1")
                let node = try await site.startNode(["--verbose"])
                try await self.enqueue(site, 2)
                try await eventually("the lane goes on", within: .seconds(120)) {
                    try await site.rows("SELECT status FROM run_any ORDER BY id")
                        == [["queued"], ["succeeded"]]
                }
                #expect(node.errorOutput.contains("run left as it is"))
                #expect(try await site.rows("SELECT claim_no FROM run_any WHERE id = 1") == [["0"]])
            }
        }

        @Test("a run of which nothing can be stored is left alone, and its lane goes on")
        func left() async throws {
            try await Site.with { site in
                try await site.run(["migrate", "apply"])
                let isMoving = "NEW.id = 1 AND NEW.status NOT IN ('queued', 'claimed')"
                try await self.refuse(site, "run", "UPDATE", isMoving)
                try await self.refuse(site, "run_done", "INSERT", "NEW.id = 1")
                let node = try await site.startNode(["--verbose"])
                try await self.enqueue(site, 2)
                try await self.eventuallyRuns(site, ["claimed", "succeeded"])
                try await eventually("a person is told") {
                    node.errorOutput.contains("run left as it is")
                }
                #expect(try await site.rows("SELECT claim_no FROM run_any WHERE id = 1") == [["3"]])
                // Once the database is mended the run can be ended.
                _ = try await site.rows("DROP TRIGGER refuse ON run")
                _ = try await site.rows("DROP TRIGGER refuse ON run_done")
                let id = RunID(1).description
                let cancelled = try await site.run(["runs", "cancel", id])
                #expect(cancelled.output == "\(id) cancelled\n", "\(cancelled.error)")
            }
        }
    }
}
