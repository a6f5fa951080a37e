// What a node's API lets in, with the built program: without ceremony on this machine, and no further.

import ControlRoom
import Foundation
import HTTPTypes
import PulserIR
import Testing

extension SystemTests {
    @Suite("The node's door")
    struct DoorTests {
        @Test("a node's user needs no ceremony: the first start writes a token, later ones keep it")
        func firstToken() async throws {
            try await Site.with { site in
                let node = try await site.startNode()
                #expect(node.errorOutput.contains("made a token for this machine"))
                #expect(node.errorOutput.contains("node ready, API at http://127.0.0.1:"))
                let first = try site.context()
                let attributes = try FileManager.default.attributesOfItem(atPath: site.contexts)
                #expect(attributes[.posixPermissions] as? Int == 0o600)
                let me = try await APIClient.with(site) { try await $0.send(.get, "/v1/me") }
                #expect(me.status == 200)
                #expect(me.json["scope"] == "admin")
                node.send(SIGTERM)
                #expect(try await node.end() == 0)
                let again = try await site.startNode()
                #expect(!again.errorOutput.contains("made a token"))
                let second = try site.context()
                #expect(second.token == first.token)
                let status = try await APIClient.with(site) { try await $0.send(.get, "/v1/me") }
                #expect(status.status == 200)
            }
        }

        @Test("wrong and revoked tokens are not let in")
        func tokens() async throws {
            try await Site.with { site in
                _ = try await site.startNode()
                try await APIClient.with(site) { api in
                    #expect(try await api.with(token: nil).send(.get, "/v1/me").status == 401)
                    #expect(try await api.with(token: "ocr_x").send(.get, "/v1/me").status == 401)
                    let made = try await api.send(.post, "/v1/tokens", ["name": "ci"])
                    #expect(made.status == 201)
                    let id = made.json["id"]?.stringValue ?? ""
                    let other = api.with(token: made.json["token"]?.stringValue)
                    #expect(try await other.send(.get, "/v1/me").status == 200)
                    #expect(try await api.send(.delete, "/v1/tokens/\(id)").status == 204)
                    #expect(try await other.send(.get, "/v1/me").status == 401)
                }
            }
        }

        @Test("killed and started again, a node knows its tokens", .timeLimit(.minutes(2)))
        func killed() async throws {
            try await Site.with(.embedded) { site in
                _ = try await site.startNode()
                let made = try await APIClient.with(site) {
                    try await $0.send(.post, "/v1/tokens", ["name": "ci", "scope": "read"])
                }
                let token = try #require(made.json["token"]?.stringValue)
                try await site.killNodes()
                _ = try await site.startNode()
                let me = try await APIClient.with(site) {
                    try await $0.with(token: token).send(.get, "/v1/me")
                }
                #expect(me.status == 200)
                #expect(me.json["name"] == "ci")
            }
        }

        @Test(
            "an address that others can reach is refused without TLS, in one sentence",
            arguments: ["0.0.0.0:0", "[::]:0", "192.0.2.1:7460"]
        )
        func strangers(_ place: String) async throws {
            try await Site.with { site in
                let (code, _, error) = try await site.run(["up", "--listen", place])
                #expect(code == 7)
                #expect(error.contains("without TLS"))
                #expect(error.contains("--tls-cert"))
            }
        }

        @Test("a port that was asked for and is taken is an error; the usual one is replaced")
        func takenPort() async throws {
            try await Site.with { site in
                _ = try await site.startNode()
                let port = try ServerURL(try site.context().server).port
                let (code, _, error) = try await site.run(
                    ["up", "--listen", "127.0.0.1:\(port)"],
                    data: "other"
                )
                #expect(code == 6)
                #expect(error.contains("127.0.0.1:\(port) cannot be listened on"))
            }
        }

        @Test(
            "with TLS on this machine its user needs no ceremony either, or is told what to say",
            arguments: [("localhost", 0), ("ops.example", 4)] as [(String, Int32)]
        )
        func tls(_ name: String, _ code: Int32) async throws {
            try await Site.with { site in
                let (key, certificate) = ("\(site.folder)/key.pem", "\(site.folder)/cert.pem")
                let settings = """
                    [req]
                    distinguished_name = name
                    x509_extensions = own
                    [name]
                    [own]
                    basicConstraints = critical, CA:TRUE
                    subjectAltName = DNS:\(name)

                    """
                let file = "\(site.folder)/openssl.cnf"
                try settings.write(toFile: file, atomically: true, encoding: .utf8)
                let openssl = Process()
                openssl.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
                openssl.arguments = [
                    "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                    "-nodes", "-keyout", key, "-out", certificate, "-days", "1",
                    "-subj", "/CN=\(name)", "-config", file,
                ]
                openssl.standardError = FileHandle.nullDevice
                try openssl.run()
                openssl.waitUntilExit()
                try #require(openssl.terminationStatus == 0)
                let words = ["--tls-cert", certificate, "--tls-key", key]
                _ = try await site.startNode(["--listen", "127.0.0.1:0"] + words)
                let context = try site.context()
                #expect(context.ca == certificate)
                let listed = try await site.run(["runs", "list", "--context", "local"], data: nil)
                #expect(listed.code == code, "\(listed.error)")
                if code == 0 {
                    #expect(context.server.hasPrefix("https://localhost:"))
                } else {
                    #expect(listed.error.contains("NAME-IN-ITS-CERTIFICATE"), "\(listed.error)")
                }
            }
        }

        @Test("a node that shall not listen does not, and still works")
        func off() async throws {
            try await Site.with { site in
                let node = try await site.startNode(data: "data", ["--listen", "off"])
                #expect(!node.errorOutput.contains("API at"))
                #expect(!FileManager.default.fileExists(atPath: site.contexts))
            }
        }
    }
}
