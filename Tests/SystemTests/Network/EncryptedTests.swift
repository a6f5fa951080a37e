// Decides how a node over TLS is reached by its own commands: by whom it is vouched for, and who vouches for them.

import ControlRoom
import Foundation
import HTTP2
import HTTPTypes
import Logging
import NIOPosix
import PulserIR
import TestPeers
import Testing

extension SystemTests {
    @Suite("Over TLS", .timeLimit(.minutes(4)))
    struct Encrypted {
        private static let plan = "steps: [{id: a, shell: {argv: [sh, -c, 'echo one; echo two']}}]"

        /// Starts a node that shows the pair `server`, and says where it listens.
        private static func start(
            _ site: Site,
            _ files: TestCertificates,
            data: String = "data",
            _ more: [String] = []
        ) async throws -> (node: Program, url: String) {
            let words = [
                "--listen", "127.0.0.1:0", "--tls-cert", files.path("server.pem"), "--tls-key",
                files.path("server.key"),
            ]
            let node = try await site.startNode(data: data, words + more)
            guard let match = node.errorOutput.firstMatch(of: /API at (https:\/\/[0-9.:]+)/) else {
                throw NeverHappened(description: "it listens over TLS: \(node.errorOutput)")
            }
            return (node, String(match.1))
        }

        /// Whether a server that shows a certificate of this name answers.
        private static func answers(
            _ url: String,
            as name: String,
            _ files: TestCertificates
        )
            async throws -> Bool
        {
            let place = try ServerURL(url)
            var tls = files.client
            tls.serverName = name
            var settings = HTTP2ClientConfiguration(host: place.host, port: place.port, tls: tls)
            settings.attemptsMax = 1
            let client = HTTP2Client(
                settings,
                group: MultiThreadedEventLoopGroup.singleton,
                logger: Logger(label: "test")
            )
            return await withTaskGroup(of: Bool?.self) { group in
                group.addTask {
                    await client.run()
                    return nil
                }
                group.addTask {
                    let request = HTTPRequest(
                        method: .get,
                        scheme: nil,
                        authority: nil,
                        path: "/healthz"
                    )
                    return (try? await client.send(request))?.head.status == .ok
                }
                defer { group.cancelAll() }
                while let next = await group.next() {
                    if let next { return next }
                }
                return false
            }
        }

        @Test(
            "commands trust a node by the authority they are given, and say which command gives it"
        )
        func authority() async throws {
            let files = try TestCertificates()
            try await Site.with { site in
                let (_, url) = try await Self.start(site, files)
                let context = try site.context()
                #expect(context.server == url)
                let environment = ["OPSROOM_CONTEXT": context.name]
                let plan = try site.plan("one", Self.plan)
                let strange = try await site.run(
                    ["run", plan],
                    data: nil,
                    environment: environment
                )
                #expect(strange.code != 0)
                #expect(strange.error.contains("cannot be trusted"), "\(strange.error)")
                let next = "opsroom context add \(context.name) --server \(url) --ca FILE"
                #expect(strange.error.contains(next), "\(strange.error)")
                let words = ["context", "add", context.name, "--server", url, "--ca"]
                let added = try await site.run(words + [files.authorityPath], data: nil)
                #expect(added.code == 0, "\(added.error)")
                let ran = try await site.run(["run", plan], data: nil, environment: environment)
                #expect(ran.code == 0, "\(ran.error)")
                // In the clear nobody is talked to by mistake.
                let clear = try await site.run(
                    ["runs", "list"],
                    data: nil,
                    environment: [
                        "OPSROOM_SERVER": url.replacing("https", with: "http"),
                        "OPSROOM_TOKEN": "ocr_wrong",
                    ]
                )
                #expect(clear.code == 4, "\(clear.error)")
            }
        }

        @Test(
            "a renewed certificate is shown without a restart, and nobody who follows loses an event"
        )
        func renewal() async throws {
            let files = try TestCertificates()
            try await Site.with { site in
                let (node, url) = try await Self.start(site, files)
                let context = try site.context()
                let environment = ["OPSROOM_CONTEXT": context.name]
                let words = ["context", "add", context.name, "--server", url, "--ca"]
                #expect(try await site.run(words + [files.authorityPath], data: nil).code == 0)
                let plan = try site.plan("one", Self.plan)
                let tail = try site.start(
                    ["events", "tail", "-o", "jsonl", "--from", "start"],
                    data: nil,
                    environment: environment
                )
                #expect(
                    try await site.run(["run", plan], data: nil, environment: environment).code == 0
                )
                #expect(try await Self.answers(url, as: "localhost", files))
                #expect(try await !Self.answers(url, as: "renewed.test", files))
                let next = try files.authority.issue(["localhost", "renewed.test"])
                try files.write(next, "server")
                // The files are looked at now and then.
                try await eventually("the new certificate is shown", within: .seconds(120)) {
                    try await Self.answers(url, as: "renewed.test", files)
                }
                #expect(node.exitCode == nil && node.errorOutput.contains("certificate renewed"))
                #expect(
                    try await site.run(["run", plan], data: nil, environment: environment).code == 0
                )
                try await eventually("the tail heard of both runs: \(tail.errorOutput)") {
                    tail.output.split(separator: "\n").count { $0.contains("\"run.succeeded\"") }
                        == 2
                }
                tail.send(SIGINT)
                #expect(try await tail.end() == 130)
                let numbers = try tail.output.split(separator: "\n").compactMap {
                    try JSONValue(parsing: String($0))["seq"]?.integerValue
                }
                #expect(numbers == (1...Int64(numbers.count)).map { $0 })
                // A pair that does not fit is told, and the last good one stays.
                try files.folder.write(try files.authority.issue().key, to: "server.key")
                try await eventually("the odd pair is told", within: .seconds(120)) {
                    node.errorOutput.contains("server.key")
                }
                #expect(try await Self.answers(url, as: "renewed.test", files))
            }
        }

        @Test("with --client-ca whoever shows no certificate of it is turned away in a sentence")
        func clients() async throws {
            let files = try TestCertificates()
            try await Site.with { site in
                let more = ["--client-ca", files.authorityPath]
                let (_, url) = try await Self.start(site, files, more)
                let context = try site.context()
                let environment = ["OPSROOM_CONTEXT": context.name]
                let words = [
                    "context", "add", context.name, "--server", url, "--ca", files.authorityPath,
                ]
                #expect(try await site.run(words, data: nil).code == 0)
                let nobody = try await site.run(
                    ["nodes", "list"],
                    data: nil,
                    environment: environment
                )
                #expect(nobody.code != 0)
                #expect(nobody.error.contains("client certificate"), "\(nobody.error)")
                let own = [
                    "--certificate", files.path("client.pem"), "--key", files.path("client.key"),
                ]
                #expect(try await site.run(words + own, data: nil).code == 0)
                let known = try await site.run(
                    ["nodes", "list"],
                    data: nil,
                    environment: environment
                )
                #expect(known.code == 0, "\(known.error)")
                // A certificate of somebody else's authority is none.
                let stranger = try TestAuthority("Stranger").issue(["a.nodes.test"])
                try files.write(stranger, "stranger")
                let other = [
                    "--certificate", files.path("stranger.pem"), "--key",
                    files.path("stranger.key"),
                ]
                #expect(try await site.run(words + other, data: nil).code == 0)
                let refused = try await site.run(
                    ["nodes", "list"],
                    data: nil,
                    environment: environment
                )
                #expect(refused.code != 0)
                #expect(refused.error.contains("Next:"), "\(refused.error)")
            }
        }

        @Test("half of a pair, files that cannot be used, and nobody who could come in are refused")
        func refused() async throws {
            let files = try TestCertificates()
            try await Site.with { site in
                let pair = [
                    "--tls-cert", files.path("server.pem"), "--tls-key", files.path("server.key"),
                ]
                let half = try await site.run(["up", "--tls-cert", files.path("server.pem")])
                #expect(half.code == 64 && half.error.contains("go together"), "\(half.error)")
                let clients = try await site.run(["up", "--client-ca", files.authorityPath])
                #expect(clients.code == 64 && clients.error.contains("needs --tls-cert"))
                let gone = try await site.run(
                    ["up", "--tls-cert", "/nowhere.pem", "--tls-key", files.path("server.key")]
                )
                #expect(gone.code != 0 && gone.error.contains("/nowhere.pem"), "\(gone.error)")
                try files.folder.write(try files.authority.issue().key, to: "other.key")
                let odd = try await site.run(
                    [
                        "up", "--tls-cert", files.path("server.pem"), "--tls-key",
                        files.path("other.key"),
                    ]
                )
                #expect(odd.code != 0 && odd.error.contains("other.key"), "\(odd.error)")
                // With TLS, but before there is a token: nobody could come in.
                let open = try await site.run(["up", "--listen", "0.0.0.0:0"] + pair)
                #expect(open.code == 7, "\(open.error)")
                #expect(open.error.contains("would let nobody in"), "\(open.error)")
                #expect(open.error.contains("Next:  opsroom up --listen 127.0.0.1"))
                let first = try await site.startNode()
                first.send(SIGTERM)
                #expect(try await first.end() == 0)
                let node = try await site.startNode(["--listen", "0.0.0.0:0"] + pair)
                #expect(node.errorOutput.contains("API at https://0.0.0.0:"))
            }
        }
    }
}
