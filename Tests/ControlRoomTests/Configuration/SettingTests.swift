// Decides where a node's settings come from, and what is said of those that cannot be used.

import ControlRoom
import Foundation
import TestBed
import Testing

@Suite struct SettingTests {
    private let folder = TestPostgres.temporaryDirectory()

    /// A file with this text, that nobody else may read.
    private func file(_ text: String, mode: Int = 0o600) throws -> SettingsFile {
        let path = self.folder + "/node.toml"
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
        return try SettingsFile(reading: path)
    }

    /// What a reader makes of all places together.
    private func read(
        _ flags: [Setting: String] = [:],
        _ environment: [String: String] = [:],
        _ file: SettingsFile? = nil
    ) -> (room: RoomConfiguration, listen: ListenSettings?, reader: SettingReader) {
        var reader = SettingReader(flags: flags, environment: environment, file: file)
        var room = RoomConfiguration(&reader, environment: environment)
        let listen = ListenSettings.read(&reader)
        room.peers = PeerListenSettings.read(&reader)
        room.zone = reader.zone()
        return (room, listen, reader)
    }

    private func origin(_ name: String, _ reader: SettingReader) -> String? {
        reader.origins.first { $0.name == name }?.origin
    }

    @Test(
        "a flag wins over the environment, the environment over the file, the file over the default"
    )
    func precedence() throws {
        let file = try self.file(
            """
            name = "of-file"
            runs-max = 7
            drain-timeout = "90s"
            listen = "127.0.0.1:1"
            """
        )
        let environment = [
            "OPSROOM_NAME": "of-environment", "OPSROOM_RUNS_MAX": "8", "OPSROOM_LISTEN": "",
        ]
        let (room, listen, reader) = self.read([.name: "of-flag"], environment, file)
        #expect(room.nodeName == "of-flag" && room.runsMax == 8)
        #expect(room.drainTimeout == .seconds(90))
        #expect(listen?.port == 1 && listen?.requestsPerSecond == 1_000)
        #expect(reader.problems == [])
        #expect(self.origin("name", reader) == "flag --name")
        #expect(self.origin("runs-max", reader) == "environment OPSROOM_RUNS_MAX")
        // An empty variable says nothing.
        #expect(self.origin("listen", reader) == "file \(self.folder)/node.toml")
        #expect(self.origin("rate-limit", reader) == "default")
    }

    @Test("every setting is asked for once, so that every one is shown with its origin")
    func complete() {
        let names = self.read().reader.origins.map(\.name)
        #expect(names.sorted() == Setting.allCases.map(\.rawValue).sorted())
    }

    @Test("all that is wrong is told at once, each with its name and where it came from")
    func problems() throws {
        let file = try self.file("listn = \"x\"\nruns-max = 0\nhosts = [1]\ntls-cert = \"a.pem\"")
        let flags: [Setting: String] = [.listen: "here", .drainTimeout: "2h"]
        let reader = self.read(flags, ["DATABASE_URL": "nonsense secret"], file).reader
        let path = "\(self.folder)/node.toml"
        let wanted = [
            "\(path) gives hosts neither",
            "\(path) has the key 'listn', which is no setting; did you mean 'listen'?",
            "runs-max '0' (file \(path)) must be a number",
            "drain-timeout '2h' (flag --drain-timeout) must be a duration",
            "join (environment DATABASE_URL) is neither",
            "listen 'here' (flag --listen) must be host:port",
            "tls-cert '\(self.folder)/a.pem' (file \(path)) is half of a pair",
        ]
        #expect(reader.problems.count == wanted.count, "\(reader.problems)")
        for (problem, beginning) in zip(reader.problems, wanted) {
            #expect(problem.hasPrefix(beginning), "\(problem)")
        }
        #expect(throws: SettingsError.self) { try reader.finish() }
        #expect(!reader.problems.contains { $0.contains("secret") })
    }

    @Test(
        "what other nodes are to call is checked as a whole",
        arguments: [
            (["peer-listen": "127.0.0.1:7461"], nil),
            (["peer-listen": "off"], nil), ([:], nil),
            (["peer-listen": "127.0.0.1:0"], "peer-listen '127.0.0.1:0'"),
            (["peer-listen": "here"], "peer-listen 'here'"),
            (["peer-address": "a:1"], "peer-address 'a:1' (flag --peer-address) needs"),
            (["peer-ca": "ca.pem"], "peer-ca 'ca.pem' (flag --peer-ca) needs --peer-listen"),
            (
                ["peer-listen": "a:1", "peer-ca": "ca.pem"],
                "peer-ca 'ca.pem' (flag --peer-ca) needs the node's own"
            ),
            (
                ["peer-listen": "10.0.0.1:7461"],
                "peer-listen '10.0.0.1:7461' (flag --peer-listen) is reached"
            ),
            (
                ["peer-listen": "127.0.0.1:1", "peer-address": "a:1"],
                "peer-listen '127.0.0.1:1' (flag --peer-listen) is reached"
            ),
            (
                [
                    "peer-listen": "0.0.0.0:1", "peer-ca": "ca", "tls-cert": "c", "tls-key": "k",
                ], "peer-listen '0.0.0.0:1' (flag --peer-listen) is no address"
            ),
            (
                [
                    "peer-listen": "[::]:1", "peer-address": "n1:1", "peer-ca": "ca",
                    "tls-cert": "c",
                    "tls-key": "k",
                ], nil
            ),
        ] as [([String: String], String?)]
    )
    func peers(_ said: [String: String], _ problem: String?) throws {
        var flags: [Setting: String] = [:]
        for (name, value) in said { flags[try #require(Setting(rawValue: name))] = value }
        let (room, _, reader) = self.read(flags)
        #expect(reader.problems.count == (problem == nil ? 0 : 1), "\(reader.problems)")
        if let problem { #expect(reader.problems.first?.hasPrefix(problem) == true) }
        let isOn = problem == nil && (said["peer-listen"] ?? "off") != "off"
        #expect((room.peers != nil) == isOn || problem != nil)
        if isOn {
            #expect(room.peers?.endpoint == said["peer-address"] ?? said["peer-listen"])
            #expect((room.peers?.certificate != nil) == (said["peer-ca"] != nil))
        }
    }

    @Test("paths in a file count from its folder, those of flags from where one is")
    func paths() throws {
        let file = try self.file("data = \"n1\"\ntls-key = \"/etc/key.pem\"")
        let (room, listen, _) = self.read([.certificate: "cert.pem"], [:], file)
        #expect(room.data == "\(self.folder)/n1")
        #expect(listen?.key == "/etc/key.pem" && listen?.certificate == "cert.pem")
    }

    @Test(
        "a database's password is never shown",
        arguments: [
            ("postgres://ops:pa%40ss@db/x", "postgres://ops:***@db/x"),
            ("postgresql://ops:secret@[::1]:5432/x", "postgresql://ops:***@[::1]:5432/x"),
            ("postgres://db/x?user=a&password=secret", "postgres://db/x?user=a&password=***"),
            ("host=db password='a b' user=u", "host=db password=*** user=u"),
            ("host=db user=u", "host=db user=u"), ("postgres://ops@db/x", "postgres://ops@db/x"),
        ]
    )
    func password(_ url: String, _ shown: String) throws {
        let reader = self.read([.join: url]).reader
        #expect(reader.problems == [])
        #expect(reader.origins.first { $0.name == "join" }?.value == shown)
        // Nor is a file with it used that everybody can read.
        let open = try self.file("join = \"\(url)\"", mode: 0o644)
        let problems = self.read([:], [:], open).reader.problems
        #expect(problems.contains { $0.contains("chmod o=") } == (url != shown), "\(problems)")
    }

    @Test("what is not TOML is refused with its line")
    func notTOML() {
        let error = #expect(throws: RoomError.self) { try self.file("name = \"a\"\njoin =\n") }
        #expect(error?.code == .usage)
        #expect(error?.message.contains("line 2") == true, "\(error?.message ?? "")")
        let absent = #expect(throws: RoomError.self) { try SettingsFile(reading: "/nowhere.toml") }
        #expect(absent?.code == .notFound)
    }
}
