// Decides how somebody gets into a cluster whose nodes everybody reaches: by a token made before them.

import ControlRoom
import Foundation
import PulserIR
import TestPeers
import Testing

extension SystemTests {
    @Suite("A cluster's first token", .timeLimit(.minutes(4)))
    struct FirstToken {
        /// Makes a token as one does by hand, and gives its text and its file.
        private static func token(
            _ site: Site,
            _ name: String,
            mode: Int = 0o600
        ) async throws -> (text: String, path: String) {
            let made = try await site.run(["tokens", "first"], data: nil)
            try #require(made.code == 0, "\(made.error)")
            let path = "\(site.folder)/\(name)"
            try made.output.write(toFile: path, atomically: true, encoding: .utf8)
            try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
            return (made.output.trimmingCharacters(in: .whitespacesAndNewlines), path)
        }

        /// Starts a node that everybody reaches.
        private static func start(
            _ site: Site,
            _ files: TestCertificates,
            _ name: String,
            token: String
        ) throws -> Program {
            try site.start(
                [
                    "node", "--name", name, "--listen", "0.0.0.0:0", "--tls-cert",
                    files.path("server.pem"), "--tls-key", files.path("server.key"),
                    "--first-token", token,
                ],
                data: name
            )
        }

        /// Starts such a node and waits until it takes work or has ended.
        private static func node(
            _ site: Site,
            _ files: TestCertificates,
            _ name: String,
            token: String
        ) async throws -> Program {
            let node = try Self.start(site, files, name, token: token)
            try await eventually("the node is ready or gone: \(node.errorOutput)") {
                node.exitCode != nil || node.errorOutput.contains("node ready")
            }
            return node
        }

        /// What a command says that asks the node with this token.
        private static func ask(
            _ site: Site,
            _ files: TestCertificates,
            _ node: Program,
            token: String
        ) async throws -> (code: Int32, output: String, error: String) {
            guard let match = node.errorOutput.firstMatch(of: /API at https:\/\/0\.0\.0\.0:(\d+)/)
            else { throw NeverHappened(description: "it listens: \(node.errorOutput)") }
            let url = "https://localhost:\(match.1)"
            let words = ["context", "add", "c", "--server", url, "--ca", files.authorityPath]
            #expect(try await site.run(words, data: nil).code == 0)
            return try await site.run(
                ["nodes", "list"],
                data: nil,
                environment: ["OPSROOM_CONTEXT": "c", "OPSROOM_TOKEN": token]
            )
        }

        @Test("nodes that start at once take in one first token; it lets in, and is stored hashed")
        func together() async throws {
            let files = try TestCertificates()
            try await Site.with { site in
                let (text, path) = try await Self.token(site, "first.token")
                let nodes = try ["n1", "n2", "n3"].map {
                    try Self.start(site, files, $0, token: path)
                }
                for node in nodes {
                    try await eventually("the node is ready: \(node.errorOutput)") {
                        node.exitCode != nil || node.errorOutput.contains("node ready")
                    }
                }
                for node in nodes {
                    try #require(node.exitCode == nil, "\(node.errorOutput)")
                    #expect(!node.errorOutput.contains(text))
                    let answer = try await Self.ask(site, files, node, token: text)
                    #expect(answer.code == 0, "\(answer.error)")
                }
                #expect(nodes.count { $0.errorOutput.contains("stored the first token") } == 1)
                let rows = try await site.rows(
                    "SELECT id, scope, octet_length(secret_hash) FROM api_token"
                )
                #expect(rows == [[String(text.split(separator: "_")[1]), "admin", "32"]])
            }
        }

        @Test("while some token may do everything, the file is not looked at, let alone taken in")
        func later() async throws {
            let files = try TestCertificates()
            try await Site.with { site in
                let (first, path) = try await Self.token(site, "first.token")
                let node = try await Self.node(site, files, "n1", token: path)
                try #require(node.exitCode == nil, "\(node.errorOutput)")
                let (second, other) = try await Self.token(site, "second.token")
                for path in [other, "\(site.folder)/gone"] {
                    let node = try await Self.node(site, files, "n2", token: path)
                    try #require(node.exitCode == nil, "\(node.errorOutput)")
                    let old = try await Self.ask(site, files, node, token: first)
                    #expect(old.code == 0, "\(old.error)")
                    let new = try await Self.ask(site, files, node, token: second)
                    #expect(new.code == 4, "\(new.error)")
                    node.send(SIGTERM)
                    #expect(try await node.end() == 0)
                }
            }
        }

        @Test("a node that this machine alone reaches takes it in, too, and makes none of its own")
        func loopback() async throws {
            try await Site.with { site in
                let (text, path) = try await Self.token(site, "first.token")
                let node = try await site.startNode(["--first-token", path])
                #expect(node.errorOutput.contains("stored the first token"))
                #expect(!FileManager.default.fileExists(atPath: site.contexts))
                #expect(try await site.rows("SELECT count(*) FROM api_token") == [["1"]])
                let url = try #require(node.errorOutput.firstMatch(of: /API at (http:[^\s]+)/)?.1)
                let list = try await site.run(
                    ["nodes", "list"],
                    data: nil,
                    environment: ["OPSROOM_SERVER": String(url), "OPSROOM_TOKEN": text]
                )
                #expect(list.code == 0, "\(list.error)")
            }
        }

        @Test("a file that others read, that holds no token, or a revoked one lets nobody in")
        func refused() async throws {
            let files = try TestCertificates()
            try await Site.with { site in
                let (_, open) = try await Self.token(site, "open.token", mode: 0o644)
                let odd = "\(site.folder)/odd.token"
                try "ocr_secret".write(toFile: odd, atomically: true, encoding: .utf8)
                try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: odd)
                for (path, code, words) in [
                    (open, Int32(7), "everybody on this machine can read it"),
                    (odd, 64, "holds no token"), ("\(site.folder)/gone", 5, "cannot be read"),
                ] {
                    let node = try await Self.node(site, files, "n1", token: path)
                    #expect(try await node.end() == code, "\(node.errorOutput)")
                    #expect(node.errorOutput.contains(words), "\(node.errorOutput)")
                    #expect(node.errorOutput.contains("Next:"), "\(node.errorOutput)")
                    #expect(!node.errorOutput.contains("ocr_"), "\(node.errorOutput)")
                }
                let (_, path) = try await Self.token(site, "first.token")
                let node = try await Self.node(site, files, "n1", token: path)
                try #require(node.exitCode == nil, "\(node.errorOutput)")
                try await site.killNodes()
                _ = try await site.rows("UPDATE api_token SET revoked_at = now() RETURNING id")
                let again = try await Self.node(site, files, "n1", token: path)
                #expect(try await again.end() == 7, "\(again.errorOutput)")
                #expect(again.errorOutput.contains("was revoked"), "\(again.errorOutput)")
            }
        }
    }
}
