// `opsload faults`: a cluster of real processes under random faults; nothing is lost, nothing happens twice.

import ArgumentParser
import FoundationEssentials
import Glibc

struct FaultsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "faults",
        abstract: "Nodes are killed, frozen, cut off, restarted; every promise is checked.",
        discussion: """
            Starts a Postgres and nodes of its own, has them work, and hits them under a seed. The
            same seed gives the same faults at the same moments; what the cluster does about them
            differs. Exit code 2 when a rule is broken; the seed is printed.

            Examples:
              opsload faults --seed 7
              opsload faults --seed 7 --faults 0 --kills 10 --drains 10 --out alone.json
            """
    )

    @Option(help: "Where the faults come from; a new one when left out.") var seed: UInt64?
    @Option(help: "How many nodes.") var nodes = 5
    @Option(help: "How many runs.") var runs = 2_000
    @Option(help: "In how many lanes.") var lanes = 100
    @Option(help: "How many faults at random.") var faults = 60
    @Option(help: "The mean pause between faults, in milliseconds.") var pause = 3_000
    @Option(help: "The longest freeze, cut or absence, in milliseconds.") var longest = 15_000
    @Option(help: "Nodes killed one at a time before, to measure.") var kills = 0
    @Option(help: "Nodes drained one at a time before, to measure.") var drains = 0
    @Option(help: "The program; else the one beside this one.") var opsroom: String?
    @Option(help: "What is added to the database.") var sql = "loadtests/faults.sql"
    @Option(help: "Keep logs and effects in this folder, which is made.") var folder: String?
    @Option(help: "Write the result as JSON to this file.") var out: String?

    func validate() throws {
        guard (2...9).contains(self.nodes), (1...100).contains(self.lanes),
            (1...100_000).contains(self.runs), (0...1_000).contains(self.faults),
            (0...100).contains(self.kills), (0...100).contains(self.drains),
            (100...60_000).contains(self.pause), (100...60_000).contains(self.longest)
        else {
            throw ValidationError(
                "2 to 9 nodes, 1 to 100 lanes, up to 100,000 runs, 1,000 faults, 100 kills and "
                    + "drains, pauses and absences from 100 ms to a minute"
            )
        }
    }

    func run() async throws {
        let campaign = try self.prepare()
        let report = try await campaign.run()
        try self.finish(report, campaign.setting)
    }

    // Apart from what awaits: Swift 6.3.1 cannot split a function that does both when optimising.
    @inline(never)
    private func prepare() throws -> FaultCampaign {
        let seed = self.seed ?? UInt64.random(in: 0...999_999)
        let own = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let beside = own.split(separator: "/").dropLast().joined(separator: "/")
        let campaign = FaultCampaign(
            FaultCampaign.Setting(
                seed: seed,
                nodes: self.nodes,
                runs: self.runs,
                lanes: self.lanes,
                faults: self.faults,
                pauseMilliseconds: self.pause,
                longestMilliseconds: self.longest,
                kills: self.kills,
                drains: self.drains,
                opsroom: self.opsroom ?? "/\(beside)/opsroom",
                sql: self.sql,
                folder: self.folder
            )
        )
        print("seed \(seed): \(self.nodes) nodes, \(self.runs) runs in \(self.lanes) lanes")
        for fault in campaign.schedule.faults { print("  \(fault)") }
        fflush(nil)
        return campaign
    }

    @inline(never)
    private func finish(_ report: Report, _ setting: FaultCampaign.Setting) throws {
        report.show()
        if let out { try report.write(to: out) }
        guard !report.faults.isEmpty else { return }
        print(
            "a rule is broken; again:  opsload faults --seed \(setting.seed) --nodes "
                + "\(setting.nodes) --runs \(setting.runs) --lanes \(setting.lanes) --faults "
                + "\(setting.faults) --pause \(setting.pauseMilliseconds) --longest "
                + "\(setting.longestMilliseconds)"
        )
        throw ExitCode(2)
    }
}
