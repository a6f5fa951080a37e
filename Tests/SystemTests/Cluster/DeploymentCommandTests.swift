// Decides that what the deployment files call is there: commands, flags, and what the calls do on this machine.

import ControlRoom
import Foundation
import NIOCore
import NIOPosix
import PulserIR
import Testing

extension SystemTests {
    @Suite("Commands of deployments", .timeLimit(.minutes(4)))
    struct DeploymentCommands {
        // MARK: Words

        /// What is wrong with a call of the program: the command or a flag that is not there.
        private static func problem(_ call: Substring, _ root: JSONValue) -> String? {
            var command = root
            var path = "opsroom"
            for word in call.split(separator: " ") {
                if word.hasPrefix("--") {
                    let name = String(word.dropFirst(2).prefix { $0 != "=" && $0 != "\"" })
                    let known = (command["arguments"]?.arrayValue ?? []).contains { argument in
                        (argument["names"]?.arrayValue ?? []).contains {
                            $0["kind"] == "long" && $0["name"]?.stringValue == name
                        }
                    }
                    if !known { return "\(path) has no --\(name)" }
                } else if let next = (command["subcommands"]?.arrayValue ?? []).first(where: {
                    $0["commandName"]?.stringValue == String(word)
                }) {
                    command = next
                    path += " \(word)"
                } else if command["subcommands"]?.arrayValue?.isEmpty == false {
                    return "\(path) has no command '\(word)'"
                }
            }
            return nil
        }

        /// What follows the program's name, where it is a command.
        private static func calls(in text: String) -> [Substring] {
            let whole = text.replacing(/\\\n\s*/, with: " ")
            return whole.matches(of: /(?m)(?:^|[\s`('"\/])opsroom ([a-z][^\n|;&#>`')]*)/)
                .map(\.1)
        }

        @Test("every command and flag in the folder's files exists")
        func words() async throws {
            try await Site.with(.embedded) { site in
                let dump = try await site.run(["--experimental-dump-help"], data: nil).output
                let root = try #require(try JSONValue(parsing: dump)["command"])
                var count = 0
                for name in DeploymentFiles.names() {
                    for call in Self.calls(in: try DeploymentFiles.text(name)) {
                        count += 1
                        let problem = Self.problem(call, root)
                        #expect(problem == nil, "\(name): opsroom \(call)")
                    }
                }
                #expect(count > 20)
                // What is not there is found.
                for text in [
                    "opsroom nodez drain", "a `opsroom node --joyn x`", "opsroom certs nod n1",
                    "opsroom-x; opsroom doctor --now",
                    "sh -c 'exec opsroom nodes drain n1 \\\n  --timeouts 9s'",
                ] {
                    let problems = Self.calls(in: text).map { Self.problem($0, root) }
                    #expect(problems.count == 1 && problems[0] != nil, "\(text)")
                }
            }
        }

        // MARK: Deeds

        /// Runs a program that is not ours, with ours in its path.
        private static func run(
            _ words: [String],
            _ environment: [String: String] = [:]
        ) throws -> (code: Int32, output: String) {
            let process = Process()
            let output = Pipe()
            process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
            process.arguments = words
            let own = ["PATH": "\(Program.folder):/usr/local/bin:/usr/bin:/bin"]
            process.environment = own.merging(environment) { $1 }
            process.standardOutput = output
            process.standardError = output
            try process.run()
            let bytes = try output.fileHandleForReading.readToEnd() ?? Data()
            process.waitUntilExit()
            return (process.terminationStatus, String(decoding: bytes, as: UTF8.self))
        }

        /// Runs what Compose's one-shot service runs, as this user.
        private static func prepare(_ folder: String) throws {
            let words = ["/bin/sh", DeploymentFiles.path("compose/prepare"), folder]
            let done = try Self.run(words + ["\(getuid()):\(getgid())", "n1", "n2"])
            try #require(done.code == 0, "\(done.output)")
        }

        /// The commands of a section of the folder's page, up to a line that begins so.
        private static func commands(_ section: String, until end: String) throws -> String {
            let page = try DeploymentFiles.text("README.md")
            let start = try #require(page.firstRange(of: "\n## \(section)\n"))
            let rest = page[start.upperBound...]
            let block = try #require(rest.firstMatch(of: /```sh\n(?s:(.*?))```/)?.1)
            let last = try #require(block.firstRange(of: "\n\(end)"))
            return String(block[..<last.lowerBound])
        }

        @Test("the page's commands for Kubernetes make what the pods of its manifests mount")
        func secrets() async throws {
            try await Site.with(.embedded) { site in
                let script = try Self.commands("Kubernetes", until: "kubectl apply")
                try "printf x".write(
                    toFile: "\(site.folder)/database.url",
                    atomically: true,
                    encoding: .utf8
                )
                // What would have gone to a cluster is told.
                let text =
                    "set -eu; cd '\(site.folder)'; kubectl() { echo \"TOLD $*\"; }\n" + script
                let done = try Self.run(["/bin/sh", "-c", text])
                try #require(done.code == 0, "\(done.output)")
                let set = try #require(try DeploymentFiles.manifests("StatefulSet").first)
                let replicas = try #require(set["spec"]?["replicas"]?.integerValue)
                let nodes = try #require(set["spec"]?["serviceName"]?.stringValue)
                let files = try FileManager.default.contentsOfDirectory(
                    atPath: "\(site.folder)/certs"
                )
                let pods = (0..<replicas).map { "opsroom-\($0)" }
                #expect(
                    Set(files) == Set(pods.flatMap { ["\($0).pem", "\($0).key"] } + ["ca.pem"])
                )
                for pod in pods {
                    let words = ["certs", "show", "\(site.folder)/certs/\(pod).pem"]
                    let shown = try await site.run(words, data: nil)
                    #expect(shown.code == 0 && shown.output.contains("\(pod).\(nodes)"), "\(shown)")
                }
                #expect(try Self.mode("\(site.folder)/first.token") == 0o600)
                let told = done.output.split(separator: "\n").filter { $0.hasPrefix("TOLD") }
                #expect(told.count == 4)
                for match in done.output.matches(of: /--from-file=(?:[a-z]+=)?(\S+)/) {
                    let path = "\(site.folder)/\(match.1)"
                    #expect(FileManager.default.fileExists(atPath: path), "\(path)")
                }
            }
        }

        private static func text(_ path: String) throws -> String {
            try String(contentsOfFile: path, encoding: .utf8)
        }

        private static func mode(_ path: String) throws -> Int {
            let facts = try FileManager.default.attributesOfItem(atPath: path)
            return (facts[.posixPermissions] as? NSNumber)?.intValue ?? 0
        }

        @Test("what Compose prepares is made once; a second time certificates alone are new")
        func once() async throws {
            try await Site.with(.embedded) { site in
                let folder = try site.makeFolder("cluster")
                // Volumes are there before anything is in them.
                for name in ["authority", "postgres", "n1", "n2"] {
                    _ = try site.makeFolder("cluster/\(name)")
                }
                try Self.prepare(folder)
                let kept = [
                    "authority/ca.pem", "authority/ca.key", "authority/first.token",
                    "postgres/password", "n1/n1.key", "n1/ca.pem", "n1/first.token", "n1/pgpass",
                    "n2/n2.key", "n2/ca.pem", "n2/first.token", "n2/pgpass",
                ]
                let before = try kept.map { try Self.text("\(folder)/\($0)") }
                let old = try Self.text("\(folder)/n1/n1.pem")
                try Self.prepare(folder)
                #expect(try kept.map { try Self.text("\(folder)/\($0)") } == before)
                #expect(try Self.text("\(folder)/n1/n1.pem") != old)
                #expect(before[2] == before[6] && before[6] == before[10])
                #expect(before[3].wholeMatch(of: /[0-9a-f]{48}/) != nil)
                #expect(before[7] == "*:*:*:opsroom:\(before[3])\n")
                for name in kept where !name.hasSuffix("ca.pem") && name != "postgres/password" {
                    #expect(try Self.mode("\(folder)/\(name)") == 0o600, "\(name)")
                }
                // The server's own user reads it.
                #expect(try Self.mode("\(folder)/postgres/password") == 0o444)
                // Nothing that signs, and nothing half written, is where a node is.
                let files = FileManager.default
                #expect(
                    try files.contentsOfDirectory(atPath: "\(folder)/n1").sorted()
                        == ["ca.pem", "first.token", "n1.key", "n1.pem", "pgpass"]
                )
                #expect(try files.contentsOfDirectory(atPath: "\(folder)/authority").count == 3)
            }
        }

        /// A port that nobody listens on.
        private static func freePort() async throws -> Int {
            let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .bind(host: "127.0.0.1", port: 0).get()
            let port = server.localAddress?.port
            try await server.close()
            return try #require(port)
        }

        /// Starts a node with Compose's own settings, but on this machine's places.
        private static func start(_ site: Site, _ name: String) async throws -> Program {
            let file = try DeploymentFiles.documents("compose.yaml").first
            let service = file?["services"]?[name]?["environment"]?.objectValue ?? [:]
            var environment = service.compactMapValues(\.stringValue).mapValues {
                $0.replacing("/etc/opsroom", with: "\(site.folder)/cluster/\(name)")
            }
            environment["DATABASE_URL"] = site.databaseURL
            // Everywhere, as there, but at a port of the system's choice.
            environment["OPSROOM_LISTEN"] = "0.0.0.0:0"
            // Others are told this one, so it is chosen before.
            let port = try await Self.freePort()
            environment["OPSROOM_PEER_LISTEN"] = "127.0.0.1:\(port)"
            environment["OPSROOM_PEER_ADDRESS"] = "127.0.0.1:\(port)"
            environment["OPSROOM_DATA"] = "\(site.folder)/\(name)"
            let node = try site.start(["node"], data: nil, environment: environment)
            try await eventually("the node is ready: \(node.errorOutput)") {
                node.exitCode != nil || node.errorOutput.contains("node ready")
            }
            try #require(node.exitCode == nil, "\(node.errorOutput)")
            return node
        }

        @Test(
            "with what was prepared nodes come up from nothing, are healthy, and let the token in"
        )
        func up() async throws {
            try await Site.with { site in
                let folder = try site.makeFolder("cluster")
                try Self.prepare(folder)
                let node = try await Self.start(site, "n1")
                let other = try await Self.start(site, "n2")
                let port = try #require(
                    node.errorOutput.firstMatch(of: /API at https:\/\/0\.0\.0\.0:(\d+)/)?.1
                )
                func check(_ path: String) throws -> (code: Int32, output: String) {
                    try Self.run(
                        DeploymentFiles.healthCheck().map {
                            $0.replacing("/etc/opsroom", with: "\(folder)/n1")
                                .replacing(
                                    "localhost:7460/readyz",
                                    with: "localhost:\(port)\(path)"
                                )
                        }
                    )
                }
                for path in try Kubernetes.probes() {
                    let answer = try check(path)
                    #expect(answer.code == 0 && answer.output.contains("status"), "\(answer)")
                }
                #expect(try check("/no-such-route").code != 0)
                let words = [
                    "context", "add", "compose", "--server", "https://localhost:\(port)", "--ca",
                    "\(folder)/n1/ca.pem", "--token-file", "\(folder)/n1/first.token",
                ]
                #expect(try await site.run(words, data: nil).code == 0)
                let context = ["OPSROOM_CONTEXT": "compose"]
                let list = try await site.run(["nodes", "list"], data: nil, environment: context)
                #expect(list.code == 0 && list.output.contains("n2"), "\(list)")
                // The hook of a pod: no token, only the data directory and the database.
                let own = [
                    "OPSROOM_NAME": "n1", "OPSROOM_DATA": "\(site.folder)/n1",
                    "DATABASE_URL": try #require(site.databaseURL),
                ]
                let drained = try Self.run(Kubernetes.preStop(), own)
                #expect(drained.code == 0 && drained.output.contains("is drained"), "\(drained)")
                let shown = try await site.run(
                    ["nodes", "status", "n1", "--check"],
                    data: nil,
                    environment: context
                )
                #expect(shown.code == 0, "\(shown)")
                for node in [node, other] {
                    node.send(SIGTERM)
                    #expect(try await node.end() == 0, "\(node.errorOutput)")
                }
                #expect(try check("/readyz").code != 0)
            }
        }
    }
}
