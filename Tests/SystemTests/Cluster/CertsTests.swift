// Decides what is true of certificates made by `opsroom certs`: who is let in with them, and by whom.

import Foundation
import HTTP2
import HTTPTypes
import Logging
import NIOCore
import NIOPosix
import PulserIR
import TestPeers
import Testing

extension SystemTests {
    @Suite("Certificates", .timeLimit(.minutes(4)))
    struct Certificates {
        /// A site with the authority `ca` and the nodes `n1` and `n2`, each in its folder.
        private static func with(_ body: (Site) async throws -> Void) async throws {
            try await Site.with(.embedded) { site in
                try await Self.make(site, ["ca", "--out", "\(site.folder)/ca"])
                for name in ["n1", "n2"] { try await Self.make(site, Self.node(site, name)) }
                try await body(site)
            }
        }

        private static func node(_ site: Site, _ name: String) -> [String] {
            [
                "node", name, "--ca", "\(site.folder)/ca", "--host", "localhost", "--host",
                "127.0.0.1", "--out", "\(site.folder)/\(name)",
            ]
        }

        private static func make(_ site: Site, _ words: [String]) async throws {
            let made = try await site.run(["certs"] + words, data: nil)
            try #require(made.code == 0, "\(made.error)")
        }

        /// What a server of node `n1` answers to whoever shows this pair: the caller's names when it
        /// is a node, else 403.
        private static func answer(
            _ site: Site,
            to pair: String?,
            trusting authority: String = "ca/ca.pem",
            as name: String = NodeNames.dnsName(ofNode: "n1")
        ) async throws -> String {
            let own = "\(site.folder)/n1"
            var settings = HTTPServerConfiguration()
            settings.host = "127.0.0.1"
            settings.port = 0
            settings.tls = ServerTLS(
                certificatePath: "\(own)/n1.pem",
                keyPath: "\(own)/n1.key",
                clientAuthorityPath: "\(own)/ca.pem"
            )
            let server = HTTPServer(
                settings,
                group: MultiThreadedEventLoopGroup.singleton,
                logger: Logger(label: "test")
            ) { exchange in
                let names = exchange.origin.certificateNames
                let isNode = NodeNames.cluster.acceptsNode(names: names)
                exchange.respond(
                    HTTPResponse(status: isNode ? .ok : .forbidden),
                    body: ByteBuffer(string: names.joined(separator: " "))
                )
            }
            var tls = ClientTLS()
            tls.authorityPath = "\(site.folder)/\(authority)"
            tls.serverName = name
            tls.certificatePath = pair.map { "\(site.folder)/\($0).pem" }
            tls.keyPath = pair.map { "\(site.folder)/\($0).key" }
            let (ports, listening) = AsyncStream<Int>.makeStream()
            return try await withThrowingTaskGroup(of: String?.self) { [tls] group in
                group.addTask {
                    try await server.run(onListening: { listening.yield($0.port ?? 0) })
                    return nil
                }
                group.addTask {
                    var first = ports.makeAsyncIterator()
                    return try await Self.ask(port: first.next() ?? 0, tls)
                }
                defer { group.cancelAll() }
                while let next = try await group.next() {
                    if let next { return next }
                }
                throw NeverHappened(description: "the client ran")
            }
        }

        private static func ask(port: Int, _ tls: ClientTLS) async throws -> String {
            var settings = HTTP2ClientConfiguration(host: "127.0.0.1", port: port, tls: tls)
            settings.attemptsMax = 1
            let client = HTTP2Client(
                settings,
                group: MultiThreadedEventLoopGroup.singleton,
                logger: Logger(label: "test")
            )
            return try await withThrowingTaskGroup(of: String?.self) { group in
                group.addTask {
                    await client.run()
                    return nil
                }
                group.addTask {
                    let request = HTTPRequest(
                        method: .get,
                        scheme: nil,
                        authority: nil,
                        path: "/"
                    )
                    let response = try await client.send(request)
                    var bytes: [UInt8] = []
                    for try await chunk in response.body { bytes += chunk.readableBytesView }
                    return "\(response.head.status.code) \(String(decoding: bytes, as: UTF8.self))"
                }
                defer { group.cancelAll() }
                while let next = try await group.next() {
                    if let next { return next }
                }
                throw NeverHappened(description: "the client ran")
            }
        }

        @Test("nodes let each other in by name; strangers and mere clients are turned away")
        func mutual() async throws {
            try await Self.with { site in
                let known = try await Self.answer(site, to: "n2/n2")
                #expect(known == "200 n2.nodes.opsroom.internal localhost")
                // A client's certificate is verified, and makes nobody a node.
                let folder = site.folder
                try await Self.make(
                    site,
                    ["client", "ana", "--ca", "\(folder)/ca", "--out", "\(folder)/ana"]
                )
                #expect(try await Self.answer(site, to: "ana/ana") == "403 opsroom://client/ana")
                // Who shows nothing, or what another authority signed, does not get that far.
                await #expect(throws: HTTP2Error.self) {
                    _ = try await Self.answer(site, to: nil)
                }
                try await Self.make(site, ["ca", "--out", "\(folder)/other"])
                try await Self.make(
                    site,
                    [
                        "node", "n2", "--ca", "\(folder)/other", "--host", "localhost", "--out",
                        "\(folder)/odd",
                    ]
                )
                await #expect(throws: HTTP2Error.self) {
                    _ = try await Self.answer(site, to: "odd/n2")
                }
                // Neither is a server believed that is another node, or of another authority.
                let wrongNode = await #expect(throws: HTTP2Error.self) {
                    _ = try await Self.answer(
                        site,
                        to: "n2/n2",
                        as: NodeNames.dnsName(ofNode: "n3")
                    )
                }
                #expect(wrongNode?.code == .certificate)
                let wrongAuthority = await #expect(throws: HTTP2Error.self) {
                    _ = try await Self.answer(site, to: "n2/n2", trusting: "other/ca.pem")
                }
                #expect(wrongAuthority?.code == .certificate)
            }
        }

        @Test("openssl agrees with what was signed, and with what was not")
        func openssl() async throws {
            try await Self.with { site in
                let folder = site.folder
                try await Self.make(site, ["ca", "--out", "\(folder)/other"])
                func verify(_ authority: String, _ more: [String]) async throws -> String {
                    let words = ["/usr/bin/openssl", "verify", "-x509_strict", "-CAfile"]
                    return try await PeerProcess.output(
                        of: words + ["\(folder)/\(authority)/ca.pem"] + more
                    )
                }
                let node = "\(folder)/n1/n1.pem"
                for purpose in ["sslserver", "sslclient"] {
                    let more = ["-purpose", purpose, "-verify_hostname", "localhost", node]
                    #expect(try await verify("ca", more) == "\(node): OK")
                }
                let address = try await verify("ca", ["-verify_ip", "127.0.0.1", node])
                #expect(address == "\(node): OK")
                let host = try await verify("ca", ["-verify_hostname", "elsewhere", node])
                #expect(host.contains("ostname mismatch"), "\(host)")
                let stranger = try await verify("other", [node])
                #expect(stranger.contains("verification failed"), "\(stranger)")
            }
        }

        @Test("keys are read by their owner alone, and nothing is replaced without --force")
        func files() async throws {
            try await Self.with { site in
                let folder = site.folder
                func mode(_ path: String) throws -> Int? {
                    try FileManager.default.attributesOfItem(atPath: "\(folder)/\(path)")[
                        .posixPermissions
                    ] as? Int
                }
                for key in ["ca/ca.key", "n1/n1.key"] { #expect(try mode(key) == 0o600) }
                for place in ["ca", "n1"] { #expect(try mode(place) == 0o700) }
                #expect(!FileManager.default.fileExists(atPath: "\(folder)/n1/ca.key"))
                let old = site.lines("n1/n1.key")
                let words = ["certs"] + Self.node(site, "n1")
                let refused = try await site.run(words, data: nil)
                #expect(refused.code == 6 && refused.error.contains("--force"), "\(refused.error)")
                #expect(site.lines("n1/n1.key") == old)
                try await Self.make(site, Self.node(site, "n1") + ["--force"])
                #expect(site.lines("n1/n1.key") != old)
                let again = try await site.run(["certs", "ca", "--out", "\(folder)/ca"], data: nil)
                #expect(again.code == 6, "\(again.error)")
                #expect(again.error.contains("all that it signed is void"), "\(again.error)")
                // A key that others have read signs no more.
                chmod("\(folder)/ca/ca.key", 0o644)
                let open = try await site.run(words + ["--force"], data: nil)
                #expect(open.code == 7 && open.error.contains("chmod 600"), "\(open.error)")
            }
        }

        @Test("a renewed certificate has its old names and key, and a later end")
        func renewal() async throws {
            try await Self.with { site in
                let file = "\(site.folder)/n1/n1.pem"
                func shown() async throws -> (code: Int32, json: JSONValue) {
                    let shown = try await site.run(
                        ["certs", "show", file, "-o", "json"],
                        data: nil
                    )
                    let json = try JSONValue(parsing: shown.output)
                    return (shown.code, json["certificates"]?.arrayValue?.first ?? .null)
                }
                let old = try await shown().json
                #expect(old["kind"]?.stringValue == "node" && old["name"]?.stringValue == "n1")
                #expect(old["days_left"]?.integerValue == 365)
                let key = site.lines("n1/n1.key")
                let words = ["renew", file, "--ca", "\(site.folder)/ca", "--days", "500"]
                try await Self.make(site, words)
                let new = try await shown().json
                #expect(new["names"] == old["names"])
                #expect(new["days_left"]?.integerValue == 500)
                #expect(site.lines("n1/n1.key") == key)
                #expect(
                    try await Self.answer(site, to: "n2/n2").hasPrefix("200 "),
                    "the pair still fits"
                )
                // Somebody else's certificate is not taken over.
                try await Self.make(site, ["ca", "--out", "\(site.folder)/other"])
                let other = try await site.run(
                    ["certs", "renew", file, "--ca", "\(site.folder)/other"],
                    data: nil
                )
                #expect(other.code == 6, "\(other.error)")
                #expect(other.error.contains("was not signed by"), "\(other.error)")
            }
        }

        @Test(
            "what cannot be a name or a host is refused in a sentence that names it",
            arguments: [
                (["node", "N1", "--host", "a"], "'N1' cannot name a node"),
                (["node", "ca", "--host", "a"], "'ca' is the authority's own name"),
                (["node", "n1", "--host", "a:7460"], "'a:7460' is no host"),
                (["node", "n1", "--host", "https://a"], "'https://a' is no host"),
                (["client", "a/b"], "'a/b' cannot name a client"),
                (["node", "n1", "--host", "a", "--days", "0"], "--days must be"),
            ] as [([String], String)]
        )
        func refused(_ words: [String], _ sentence: String) async throws {
            try await Site.with(.embedded) { site in
                let places = ["--ca", "\(site.folder)/ca", "--out", "\(site.folder)/n1"]
                let run = try await site.run(["certs"] + words + places, data: nil)
                #expect(run.code == 64 && run.error.contains(sentence), "\(run.error)")
                #expect(!FileManager.default.fileExists(atPath: "\(site.folder)/n1"))
            }
        }
    }
}
