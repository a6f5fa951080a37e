// Decides what becomes of waits and sleeps whose time goes by while no node works.

import Foundation
import PulserIR
import Testing

extension SystemTests.WaitTests {
    @Test("times that are over while no node works come to what the plan says")
    func timeouts() async throws {
        try await Site.with { site in
            let node = try await site.startNode()
            let plan = """
                max_parallel: 8
                steps:
                  - {id: s, system: {wait_signal: {name: x, timeout: 2s, on_timeout: continue, default: none}}}
                  - {id: a, system: {approval: {timeout: 2s, on_timeout: approve}}}
                  - {id: r, system: {approval: {timeout: 2s, on_timeout: reject, on_reject: continue}}}
                outputs:
                  s: "{{ steps.s.result }}"
                  a: "{{ steps.a.result.approved }}"
                  r: "{{ steps.r.result.approved }}"
                """
            let run = try await Self.begin(site, "timed", plan)
            try await Self.reaches(site, run, "waiting")
            try await node.killHard()
            _ = try await site.startNode()
            try await Self.reaches(site, run, "succeeded")
            let outputs = try await Self.document(site, run)["outputs"]
            #expect(outputs == ["s": "none", "a": true, "r": false])
            let failing = try await Self.begin(
                site,
                "failing",
                "steps: [{id: s, system: {wait_signal: {name: x, timeout: 1s}}}]"
            )
            try await Self.reaches(site, failing, "failed")
            #expect(try await Self.events(site, failing, "run.retrying").isEmpty)
        }
    }

    @Test("a long sleep goes on after kill -9 for what is left of it only")
    func longNap() async throws {
        try await Site.with { site in
            let node = try await site.startNode()
            let run = try await Self.begin(site, "nap", "steps: [{id: s, system: {sleep: 1h}}]")
            try await eventually("its beginning is on record") {
                try await site.rows("SELECT state FROM step_journal") == [["intent"]]
            }
            try await node.killHard()
            // An hour goes by.
            _ = try await site.rows(
                "UPDATE step_journal SET begun_at = begun_at - interval '3599 s'"
            )
            _ = try await site.rows(
                "UPDATE run SET started_at = started_at - interval '3599 s'"
            )
            _ = try await site.startNode()
            try await Self.reaches(site, run, "succeeded")
        }
    }
}
