// Decides whether the plans that newcomers try first do what they say, on a real server.

import Foundation
import Glibc
import PulserIR
import Testing

extension SystemTests {
    @Suite("Examples")
    struct ExampleTests {
        /// The repository these tests were built from.
        private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .path

        private func run(
            _ example: String,
            on site: Site,
            _ inputs: [String] = []
        ) async throws -> (code: Int32, run: JSONValue) {
            let path = "\(Self.root)/examples/\(example).yaml"
            let flags = inputs.flatMap { ["--input", $0] }
            let ended = try await site.run(["run", path, "-o", "json"] + flags)
            let run = try JSONValue(parsing: ended.output)
            return (ended.code, run)
        }

        private func states(_ run: JSONValue) -> [String: String] {
            var states: [String: String] = [:]
            for step in run["steps"]?.arrayValue ?? [] {
                states[step["step"]?.stringValue ?? ""] = step["state"]?.stringValue
            }
            return states
        }

        /// A git repository of two files with one tagged commit.
        private func makeRepository(_ site: Site) throws -> String {
            let folder = try site.makeFolder("repository")
            try "Do what you want.\n".write(
                toFile: folder + "/LICENSE",
                atomically: true,
                encoding: .utf8
            )
            try "hello\n".write(toFile: folder + "/README", atomically: true, encoding: .utf8)
            let git = ["-c", "user.name=test", "-c", "user.email=test@example.org", "-C", folder]
            for arguments in [
                ["init", "-q", folder], git + ["add", "."], git + ["commit", "-q", "-m", "first"],
                git + ["tag", "v1"],
            ] {
                let process = Process()
                process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
                process.arguments = ["git"] + arguments
                try process.run()
                process.waitUntilExit()
                try #require(process.terminationStatus == 0)
            }
            return folder
        }

        @Test(
            "asked-release goes on with what people and a signal say, and ends well when rejected"
        )
        func askedRelease() async throws {
            try await Site.with { site in
                _ = try await site.startNode()
                let path = "\(Self.root)/examples/asked-release.yaml"
                let shown = try await site.run(["plan", "show", path]).output
                #expect(shown.contains("approval · 1 of anybody · 24 h 0 min, then is rejected"))
                #expect(shown.contains("wait_signal · for 'confirmed' · 1 h 0 min, then continues"))
                func begin() async throws -> String {
                    String(try await site.run(["run", path, "--detach"]).output.prefix(8))
                }
                func document(_ run: String) async throws -> JSONValue {
                    let shown = try await site.run(["runs", "show", run, "-o", "json"])
                    return try JSONValue(parsing: shown.output)
                }
                let run = try await begin()
                try await eventually("it asks") {
                    try await site.run(["approvals", "list"]).output.contains("May 1.0 go?")
                }
                let approve = ["approvals", "approve", run]
                let unfit = try await site.run(approve + ["--form", "window=noon"])
                #expect(unfit.code != 0 && unfit.error.contains("the form does not fit: /window"))
                #expect(try await site.run(approve + ["--form", "window=night"]).code == 0)
                let payload = #"{"by": "test"}"#
                _ = try await site.run(["runs", "signal", run, "confirmed", "--payload", payload])
                try await eventually("it ends") {
                    try await document(run)["status"] == "succeeded"
                }
                let states = self.states(try await document(run))
                #expect(
                    states == [
                        "build": "succeeded", "approve": "succeeded", "publish": "succeeded",
                        "confirmed": "succeeded",
                    ]
                )
                let second = try await begin()
                try await eventually("it asks again") {
                    try await !site.run(["approvals", "list"]).output.isEmpty
                }
                #expect(try await site.run(["approvals", "reject", second]).code == 0)
                try await eventually("it ends") {
                    try await document(second)["status"] == "succeeded"
                }
                #expect(try await document(second)["outputs"]?["approved"] == false)
                #expect(self.states(try await document(second))["publish"] == "skipped")
            }
        }

        @Test("release-check proves a clean tagged repository and keeps its evidence")
        func releaseCheck() async throws {
            try await Site.with { site in
                let repository = try self.makeRepository(site)
                let inputs = ["repo=\(repository)", "require_clean=true", "require_tag=true"]
                let (code, run) = try await self.run("release-check", on: site, inputs)
                #expect(code == 0)
                #expect(run["status"] == .string("succeeded"))
                #expect(run["outputs"]?["files"] == .string("2"))
                let names = run["artifacts"]?.arrayValue?.compactMap { $0["name"]?.stringValue }
                #expect(
                    Set(names ?? []) == ["answer", "inventory.txt", "licence.txt", "report.txt"]
                )
                let id = try #require(run["id"]?.stringValue)
                let licence = try await site.run(["runs", "artifact", id, "licence.txt"])
                #expect(licence.output == "Do what you want.\n")
            }
        }

        @Test("release-check refuses a repository with changes")
        func releaseCheckOfChanges() async throws {
            try await Site.with { site in
                let repository = try self.makeRepository(site)
                try "new\n".write(
                    toFile: repository + "/NEW",
                    atomically: true,
                    encoding: .utf8
                )
                let inputs = ["repo=\(repository)", "require_clean=true"]
                let (code, run) = try await self.run("release-check", on: site, inputs)
                #expect(code == 2)
                #expect(self.states(run)["clean-tree"] == "failed")
                #expect(run["failure"]?.stringValue?.contains("'clean-tree'") == true)
            }
        }

        @Test("database-migration migrates, verifies and drops its scratch database")
        func migration() async throws {
            try await Site.with { site in
                let (code, run) = try await self.run("database-migration", on: site, ["rows=300"])
                #expect(code == 0)
                #expect(run["outputs"]?["migrated"] == .integer(200))
                let left = try await site.rows(
                    "SELECT datname FROM pg_database WHERE datname LIKE 'scratch_%'"
                )
                #expect(left.isEmpty)
            }
        }

        @Test("database-migration that breaks is rolled back, and the restore is verified")
        func brokenMigration() async throws {
            try await Site.with { site in
                let inputs = ["rows=300", "break=true"]
                let (code, run) = try await self.run("database-migration", on: site, inputs)
                #expect(code == 2)
                let states = self.states(run)
                #expect(states["migrate"] == "failed")
                #expect(states["migrate!0"] == "succeeded")
                #expect(states["constraint"] == "skipped")
                #expect(run["failure"]?.stringValue?.hasSuffix("rolled back") == true)
                let undo = run["steps"]?.arrayValue?.first { $0["step"] == .string("migrate!0") }
                let verifiers = undo?["verifiers"]?.arrayValue ?? []
                #expect(verifiers.map { $0["result"] } == [.string("passed"), .string("passed")])
            }
        }

        @Test("service-health starts a server, checks it and leaves no process")
        func service() async throws {
            try await Site.with { site in
                let (code, run) = try await self.run("service-health", on: site)
                #expect(code == 0)
                #expect(run["outputs"]?["version"] == .integer(3))
                let server = run["steps"]?.arrayValue?.first { $0["step"] == .string("server") }
                let process = try #require(server?["result"]?["pid"]?.integerValue)
                #expect(kill(pid_t(process), 0) != 0, "the server still runs")
            }
        }
    }
}
