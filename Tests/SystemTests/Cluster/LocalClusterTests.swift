// Decides what a cluster on one machine survives, and that nothing of it stays behind.

import Foundation
import PulserIR
import TestBed
import Testing

extension SystemTests {
    @Suite("A local cluster", .timeLimit(.minutes(4)))
    struct Local {
        /// Starts three nodes and waits until all of them work.
        private static func start(_ site: Site) async throws -> Program {
            let cluster = try site.start(
                ["cluster", "local", "3", "--port", "0", "--data", "\(site.folder)/local"],
                data: nil
            )
            try await eventually("three nodes work: \(cluster.output) \(cluster.errorOutput)") {
                cluster.exitCode != nil || cluster.output.contains("export OPSROOM_CONFIG=")
            }
            try #require(cluster.exitCode == nil, "\(cluster.output) \(cluster.errorOutput)")
            return cluster
        }

        /// All processes of nodes that were started, by the nodes' names.
        private static func processes(_ cluster: Program) -> [String: [pid_t]] {
            var processes: [String: [pid_t]] = [:]
            for match in cluster.output.matches(of: /(n[0-9]) is process ([0-9]+)/) {
                guard let process = pid_t(match.2) else { continue }
                TestProcesses.killAtExit(process)
                processes[String(match.1), default: []].append(process)
            }
            return processes
        }

        private static func isGone(_ process: pid_t, of site: Site) -> Bool {
            let bytes = FileManager.default.contents(atPath: "/proc/\(process)/cmdline") ?? Data()
            return !String(decoding: bytes, as: UTF8.self).contains(site.folder)
        }

        private static func ask(
            _ site: Site,
            _ words: [String],
            at node: String
        ) async throws -> (code: Int32, output: String, error: String) {
            try await site.run(
                words + ["--context", node],
                data: nil,
                environment: ["OPSROOM_CONFIG": "\(site.folder)/local/contexts.toml"]
            )
        }

        @Test("a run outlives the node it was on; Ctrl-C leaves no process behind")
        func killed() async throws {
            try await Site.with(.embedded) { site in
                let cluster = try await Self.start(site)
                let plan = try site.plan(
                    "wait",
                    """
                    steps:
                      - id: wait
                        effects: idempotent
                        shell:
                          argv: [sh, -c, 'until [ -e \(site.folder)/go ]; do sleep 0.05; done']
                      - id: big
                        needs: [wait]
                        effects: idempotent
                        shell: {argv: [sh, -c, 'yes | head -c 1500000 > big.txt']}
                        artifacts: [{file: big.txt, name: big}]
                    """
                )
                let run = try site.start(
                    ["run", plan, "--context", "n1"],
                    data: nil,
                    environment: ["OPSROOM_CONFIG": "\(site.folder)/local/contexts.toml"]
                )
                var owner = ""
                try await eventually("a node has the run") {
                    let list = try await Self.ask(site, ["nodes", "list", "-o", "json"], at: "n1")
                    let nodes = try JSONValue(parsing: list.output)["nodes"]?.arrayValue ?? []
                    let busy = nodes.first { $0["runs"]?.integerValue == 1 }
                    owner = busy?["name"]?.stringValue ?? ""
                    return nodes.count == 3 && !owner.isEmpty
                }
                let first = try #require(Self.processes(cluster)[owner]?.last)
                kill(first, SIGKILL)
                try await eventually("it came back") {
                    cluster.output.matches(of: try Regex("\(owner) takes work")).count == 2
                }
                #expect(cluster.output.contains("\(owner) ended: signal 9 ended it"))
                // Whoever follows it at its address finds it there again.
                let places = cluster.output.matches(of: try Regex("\(owner) takes work at .*"))
                #expect(Set(places.map { String(cluster.output[$0.range]) }).count == 1)
                _ = FileManager.default.createFile(atPath: "\(site.folder)/go", contents: nil)
                #expect(try await run.end(within: .seconds(120)) == 0, "\(run.errorOutput)")
                // Whoever is asked knows of it.
                for node in ["n1", "n2", "n3"] {
                    let list = try await Self.ask(
                        site,
                        ["runs", "list", "-o", "json"],
                        at: node
                    )
                    #expect(list.output.contains("succeeded"), "\(list.error)")
                    // What lies in one node's folder can be had from all.
                    let runs = try JSONValue(parsing: list.output)["runs"]?.arrayValue ?? []
                    let id = try #require(runs.first?["id"]?.stringValue)
                    let big = try await Self.ask(site, ["runs", "artifact", id, "big"], at: node)
                    #expect(big.code == 0 && big.output.utf8.count == 1_500_000, "\(big.error)")
                }
                cluster.send(SIGINT)
                #expect(try await cluster.end() == 0, "\(cluster.errorOutput)")
                for name in ["n1", "n2", "n3"] {
                    #expect(cluster.output.contains("■ \(name) left"))
                }
                #expect(site.serverProcess(of: "local") == nil)
                for process in Self.processes(cluster).values.joined() {
                    #expect(Self.isGone(process, of: site))
                }
            }
        }

        @Test(
            "a node is drained, looked at, taken back and evicted by commands, from any other node"
        )
        func operated() async throws {
            try await Site.with(.embedded) { site in
                _ = try await Self.start(site)
                func ask(_ words: String) async throws -> (code: Int32, output: String) {
                    let words = words.split(separator: " ").map(String.init)
                    let answer = try await Self.ask(site, words, at: "n1")
                    return (answer.code, answer.output + answer.error)
                }
                /// The names of nodes with shards.
                func holders() async throws -> Set<String> {
                    let answer = try await ask("cluster status -o json")
                    let nodes = try JSONValue(parsing: answer.output)["nodes"]?.arrayValue ?? []
                    return Set(
                        nodes.filter { $0["running"]?.integerValue != 0 }
                            .compactMap { $0["name"]?.stringValue }
                    )
                }
                try await eventually("all hold shards") { try await holders().count == 3 }
                let dry = try await ask("nodes drain n2 --dry-run")
                #expect(dry.code == 0 && dry.output.contains("to n1, n3"), "\(dry)")
                #expect(try await ask("nodes status n2 --check").code == 2)
                let drained = try await ask("nodes drain n2")
                #expect(
                    drained.code == 0 && drained.output.contains("✓ n2 is drained"),
                    "\(drained)"
                )
                #expect(try await ask("nodes status n2 --check").code == 0)
                #expect(try await holders() == ["n1", "n3"])
                #expect(try await ask("shards list --node n2").output.contains("no such shards"))
                // What it gave away is served elsewhere.
                let plan = try site.plan("one", "steps: [{id: a, shell: {argv: [echo, hi]}}]")
                #expect(try await ask("run \(plan)").code == 0)
                let why = try await ask("why \(try await Self.lastRun(site))")
                #expect(why.code == 0 && why.output.contains("it has ended"), "\(why)")
                #expect(try await ask("nodes undrain n2").code == 0)
                try await eventually("it has a share again") { try await holders().count == 3 }
                // Nobody is there to be asked.
                let unsure = try await ask("nodes evict n3")
                #expect(unsure.code == 7 && unsure.output.contains("--yes"), "\(unsure)")
                #expect(try await ask("nodes evict n3 --yes").output.contains("✓ n3 is dead"))
                #expect(try await ask("nodes drain n9").code == 5)
                // It learns that it is dead, and comes again by itself.
                try await eventually("it joined anew") { try await holders().count == 3 }
            }
        }

        private static func lastRun(_ site: Site) async throws -> String {
            let list = try await Self.ask(site, ["runs", "list", "-o", "json"], at: "n2")
            let run = try JSONValue(parsing: list.output)["runs"]?.arrayValue?.first
            return run?["id"]?.stringValue ?? ""
        }

        @Test("nodes leave by themselves when the process that keeps them is killed")
        func orphans() async throws {
            try await Site.with(.embedded) { site in
                let cluster = try await Self.start(site)
                let processes = Self.processes(cluster).values.joined()
                #expect(processes.count == 3)
                try await cluster.killHard()
                try await eventually("no node is left") {
                    processes.allSatisfy { Self.isGone($0, of: site) }
                }
                // The next one takes the server over, and its nodes have the same identity.
                let next = try await Self.start(site)
                #expect(!next.output.contains("authority made"))
                next.send(SIGTERM)
                #expect(try await next.end() == 0, "\(next.errorOutput)")
                #expect(site.serverProcess(of: "local") == nil)
            }
        }
    }
}
