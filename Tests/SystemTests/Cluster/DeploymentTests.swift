// Decides what the files that bring the room up elsewhere must keep to, as far as it is known without an engine.

import Compiler
import ControlRoom
import Foundation
import Gateway
import PulserIR
import Testing

extension SystemTests {
    @Suite struct Deployment {
        /// A length of time as Compose and our own commands write it.
        private static func duration(_ text: String?) throws -> Duration {
            .milliseconds(
                try #require(text.flatMap { PlanDuration.milliseconds($0) }, "\(text ?? "")")
            )
        }

        private static func strings(_ value: JSONValue?) -> [String] {
            value?.arrayValue?.compactMap(\.stringValue) ?? []
        }

        // MARK: Image

        @Test("the image is built of what the repository has and sends, and runs as nobody")
        func image() throws {
            let stages = try DeploymentFiles.stages()
            #expect(stages.count == 3)
            let sent = try DeploymentFiles.text("Dockerfile.dockerignore").split(separator: "\n")
                .filter { $0.hasPrefix("!") }.map { String($0.dropFirst()) }
            var copied: Set<String> = []
            for (word, rest) in stages.joined() where word == "COPY" && !rest.hasPrefix("--from") {
                for source in rest.split(separator: " ").dropLast() {
                    let names = sent.filter {
                        source.hasSuffix("*") ? $0.hasPrefix(source.dropLast()) : $0 == source
                    }
                    #expect(!names.isEmpty, "\(source) is not sent to the builder")
                    copied.formUnion(names)
                }
            }
            #expect(copied == Set(sent))
            for name in sent where name != "Package.resolved" {
                let path = "\(DeploymentFiles.root)/\(name)"
                #expect(FileManager.default.fileExists(atPath: path), "\(name)")
            }
            // Every folder that the manifest names is there to be looked at.
            let manifest = try String(
                contentsOfFile: DeploymentFiles.root + "/Package.swift",
                encoding: .utf8
            )
            for match in manifest.matches(of: /path: "([A-Za-z0-9]+)\//) {
                #expect(copied.contains(String(match.1)), "\(match.1)")
            }
            let last = try #require(stages.last)
            #expect(last.last { $0.word == "USER" }?.rest == "10001:10001")
            #expect(last.last { $0.word == "STOPSIGNAL" }?.rest == "SIGTERM")
            #expect(last.last { $0.word == "ENTRYPOINT" }?.rest == "[\"opsroom\"]")
            let installed = last.filter { $0.word == "RUN" }.map(\.rest).joined()
            // What the program links beside Swift and the C library, and what the health check calls.
            for package in [
                "libpq5", "libnghttp2-14", "zlib1g", "libstdc++6", "libgcc-s1", "curl",
                "ca-certificates", "fonts-inter-variable", "fonts-jetbrains-mono", "libjs-marked",
                "node-diff",
            ] {
                #expect(installed.contains(" \(package) "), "\(package)")
            }
            let environment = last.filter { $0.word == "ENV" }.flatMap {
                $0.rest.matches(of: /([A-Z_]+)=/).map { String($0.1) }
            }
            for name in environment where name != "PATH" {
                #expect(DeploymentFiles.variables.contains(name), "\(name)")
            }
            #expect(try DeploymentFiles.healthCheck().first == "curl")
        }

        // MARK: Compose

        @Test("Compose gives every node settings that it can use, and longer to stop than it takes")
        func compose() throws {
            let file = try #require(try DeploymentFiles.documents("compose.yaml").first)
            let services = try #require(file["services"]?.objectValue)
            let nodes = services.filter { $0.value["environment"]?["OPSROOM_NAME"] != nil }
            #expect(nodes.keys.sorted() == ["n1", "n2", "n3"])
            var ports: [String] = []
            for (name, node) in nodes {
                let variables = try #require(node["environment"]?.objectValue)
                let environment = variables.compactMapValues(\.stringValue)
                for name in environment.keys {
                    #expect(DeploymentFiles.variables.contains(name), "\(name)")
                }
                let settings = try DeploymentFiles.settings(environment)
                let (room, listen) = (settings.room, settings.listen)
                #expect(settings.problems == [])
                #expect(room.nodeName == name && node["hostname"]?.stringValue == name)
                #expect(settings.peers?.endpoint == "\(name):7461")
                #expect(settings.peers?.authority == "/etc/opsroom/ca.pem")
                try listen?.check()
                for path in [listen?.certificate, listen?.key, listen?.firstToken] {
                    #expect(path?.hasPrefix("/etc/opsroom/") == true)
                }
                let grace = try Self.duration(node["stop_grace_period"]?.stringValue)
                #expect(grace > DeploymentFiles.stopMax(room), "\(name)")
                // Processes of steps need somebody to reap them.
                #expect(node["init"] == .bool(true) && node["restart"]?.stringValue == "always")
                let needs = node["depends_on"]
                #expect(needs?["prepare"]?["condition"] == "service_completed_successfully")
                #expect(needs?["postgres"]?["condition"] == "service_healthy")
                #expect(
                    Self.strings(node["volumes"]) == [
                        "\(name)-settings:/etc/opsroom:ro", "\(name)-data:/var/lib/opsroom",
                    ]
                )
                ports += Self.strings(node["ports"])
            }
            // Only this machine reaches them, and each by a port of its own.
            #expect(Set(ports).count == nodes.count)
            for port in ports { #expect(port.wholeMatch(of: /127\.0\.0\.1:\d+:7460/) != nil) }
            let declared = try #require(file["volumes"]?.objectValue)
            let used = services.values.flatMap { Self.strings($0["volumes"]) }
                .map { String($0.prefix { $0 != ":" }) }
            #expect(Set(used.filter { !$0.hasPrefix(".") }) == Set(declared.keys))
            // What signs for the cluster is where no node is.
            for (name, service) in services where name != "prepare" {
                #expect(!Self.strings(service["volumes"]).contains { $0.hasPrefix("authority:") })
            }
            let prepare = try #require(services["prepare"])
            #expect(Self.strings(prepare["command"]).suffix(3) == ["n1", "n2", "n3"])
            for path in Self.strings(prepare["volumes"]) where path.hasPrefix("./") {
                let own = String(path.dropFirst(2).prefix { $0 != ":" })
                #expect(FileManager.default.isExecutableFile(atPath: DeploymentFiles.path(own)))
            }
            for service in services.values {
                guard let build = service["build"] else { continue }
                #expect(build["context"] == "..", "the repository")
                let recipe = "\(DeploymentFiles.root)/\(build["dockerfile"]?.stringValue ?? "")"
                #expect(FileManager.default.fileExists(atPath: recipe), "\(recipe)")
            }
        }

        // MARK: systemd

        @Test(
            "the unit restarts its node always, lets it drain, and names settings that it can use"
        )
        func unit() throws {
            let unit = try DeploymentFiles.unit("systemd/opsroom.service")
            let service = try #require(unit["Service"])
            #expect(
                service["ExecStart"]
                    == ["/opt/opsroom/bin/opsroom node --config /etc/opsroom/node.toml"]
            )
            let settings = try DeploymentFiles.settings(file: "systemd/node.toml")
            let (room, listen) = (settings.room, settings.listen)
            #expect(settings.problems == [])
            #expect(settings.peers?.endpoint.hasSuffix(":7461") == true && room.zone != "")
            try listen?.check()
            // Written in seconds there.
            let stop = try #require(service["TimeoutStopSec"]?.first.flatMap { Int($0) })
            #expect(.seconds(stop) > DeploymentFiles.stopMax(room))
            #expect(service["Restart"] == ["always"])
            #expect(unit["Unit"]?["StartLimitIntervalSec"] == ["0"])
            // SIGTERM to running steps would be the end of them, not of their node.
            #expect(service["KillMode"] == ["mixed"] && service["KillSignal"] == ["SIGTERM"])
            #expect(service["OOMPolicy"] == ["continue"])
            #expect(service["User"] == ["opsroom"] && service["NoNewPrivileges"] == ["yes"])
            // The only place where it and its steps may write.
            #expect(service["ProtectSystem"] == ["strict"])
            #expect(service["StateDirectory"] == ["opsroom"])
            #expect(room.data.hasPrefix("/var/lib/opsroom/"))
            for hindrance in [
                "MemoryDenyWriteExecute", "RestrictNamespaces", "SystemCallFilter", "NoExecPaths",
            ] { #expect(service[hindrance] == nil, "steps run programs of any kind") }
            #expect(unit["Install"]?["WantedBy"] == ["multi-user.target"])
        }
    }
}
