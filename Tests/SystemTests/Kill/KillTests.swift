// Decides what a node that is killed at any moment may lose: nothing, and it does nothing twice.

import Foundation
import Glibc
import TestKit
import Testing

extension SystemTests {
    @Suite(.timeLimit(.minutes(8)))
    struct Kill {
        @Test("40 kills at random moments on a shared server lose nothing and repeat nothing")
        func shared() async throws {
            try await Site.with(.shared) { site in
                try await KillCampaign(site, kills: 40).run()
            }
        }

        @Test("10 kills at random moments with an embedded server that goes on running do neither")
        func embedded() async throws {
            try await Site.with(.embedded) { site in
                try await KillCampaign(site, kills: 10).run()
            }
        }
    }
}

/// Runs of ``KillPlan`` one after the other, their node killed again and again.
private final class KillCampaign {
    private let site: Site
    private let killsMax: Int
    private var kills = 0
    private let seed: UInt64
    private var random: SeededGenerator
    private var answers = 0

    init(_ site: Site, kills: Int) {
        self.site = site
        self.killsMax = kills
        let given = ProcessInfo.processInfo.environment["OPSROOM_SEED"].flatMap { UInt64($0) }
        self.seed = given ?? UInt64.random(in: 0...UInt64.max)
        self.random = SeededGenerator(seed: self.seed)
    }

    func run() async throws {
        let plan = try self.site.plan("kill", KillPlan.body)
        // Whoever enqueues while no node works is the one who makes the schema.
        try await self.site.startNode().killHard()
        var runs = 0
        do {
            while self.kills < self.killsMax {
                runs += 1
                try await self.oneRun(plan, "effects\(runs)")
            }
        } catch {
            Issue.record("seed \(self.seed), kill \(self.kills): \(error)")
        }
        print("seed \(self.seed): \(self.kills) kills in \(runs) runs, \(self.answers) answers")
    }

    private func oneRun(_ plan: String, _ name: String) async throws {
        let folder = try self.site.makeFolder(name)
        var audit: KillAudit?
        var node = try await self.site.startNode()
        let killsBefore = self.kills
        while true {
            if audit == nil {
                let arguments = ["run", plan, "--input", "folder=\(folder)", "--detach"]
                let answer = try await self.site.run(arguments)
                try #require(answer.code == 0, "\(answer.error)")
                let id = answer.output.trimmingCharacters(in: .whitespacesAndNewlines)
                audit = KillAudit(site: self.site, run: id, folder: name, seed: self.seed)
            }
            guard let audit else { return }
            if try await self.work(audit) { break }
            try await node.killHard()
            self.kills += 1
            try await audit.remember()
            node = try await self.site.startNode()
        }
        try await audit?.check(kills: self.kills - killsBefore)
        try await LaneLogAudit.check(self.site, "seed \(self.seed)")
        node.send(SIGTERM)
        #expect(try await node.end() == 0, "seed \(self.seed): \(node.errorOutput)")
    }

    /// Lets the run go on up to a random moment.
    ///
    /// - Returns: Whether it has ended.
    private func work(_ audit: KillAudit) async throws -> Bool {
        var moment = self.nextMoment()
        while true {
            var isWaiting = false
            let isOver = try await happens(before: moment) {
                let status = try await audit.status()
                isWaiting = status == "waiting"
                return isWaiting || RunWords.ended.contains(status)
            }
            guard isOver else { return false }
            guard isWaiting else { return true }
            try await audit.answer()
            self.answers += 1
            moment = self.nextMoment()
        }
    }

    private func nextMoment() -> ContinuousClock.Instant {
        let wait = Int.random(in: 0...400, using: &self.random)
        return self.kills < self.killsMax ? .now + .milliseconds(wait) : .now + .seconds(60)
    }
}
