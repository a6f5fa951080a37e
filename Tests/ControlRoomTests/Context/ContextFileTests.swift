// Decides what the file of contexts keeps, and whom it lets read.

import ControlRoom
import Foundation
import TestBed
import Testing

@Suite struct ContextFileTests {
    private let folder = TestPostgres.temporaryDirectory()

    private var path: String { self.folder + "/config.toml" }
    private var environment: [String: String] { ["OPSROOM_CONFIG": self.path] }

    private func write(_ text: String, mode: Int = 0o600) {
        _ = FileManager.default.createFile(
            atPath: self.path,
            contents: Data(text.utf8),
            attributes: [.posixPermissions: mode]
        )
        chmod(self.path, mode_t(mode))
    }

    private var text: String {
        String(decoding: FileManager.default.contents(atPath: self.path) ?? Data(), as: UTF8.self)
    }

    @Test("a first token is recorded for this user alone, under local, and nothing becomes current")
    func firstToken() throws {
        let name = try ContextFile.storeToken(
            server: "http://127.0.0.1:7460",
            token: "secret",
            data: self.folder + "/./data",
            environment: self.environment
        )
        #expect(name == "local")
        var status = stat()
        #expect(stat(self.path, &status) == 0 && status.st_mode & 0o777 == 0o600)
        let file = try ContextFile.read(environment: self.environment)
        #expect(file.current == nil)
        #expect(file.context(ofData: self.folder + "/data")?.token == "secret")
        #expect(file.context(ofData: self.folder + "/other") == nil)
    }

    @Test("another data directory gets a name of its own, the same one keeps its name")
    func names() throws {
        for (data, token, name) in [
            ("a", "1", "local"), ("b", "2", "local-2"), ("a", "3", "local"),
        ] {
            let given = try ContextFile.storeToken(
                server: "http://127.0.0.1:7460",
                token: token,
                data: "\(self.folder)/\(data)",
                environment: self.environment
            )
            #expect(given == name)
        }
        let file = try ContextFile.read(environment: self.environment)
        #expect(file.contexts.map(\.token) == ["3", "2"])
    }

    @Test("a file that others can read is refused, with the command that mends it")
    func permissions() throws {
        self.write("current = 'a'\n[contexts.a]\nserver = 'http://localhost:1'\n", mode: 0o640)
        let error = #expect(throws: RoomError.self) {
            try ContextFile.read(environment: self.environment)
        }
        #expect(error?.code == .refused && error?.next == "chmod 600 \(self.path)")
        let changing = #expect(throws: RoomError.self) {
            try ContextFile.change(environment: self.environment) {
                file throws(RoomError) in try file.use(nil)
            }
        }
        #expect(changing?.code == .refused)
    }

    @Test("what this version does not know stays in the file")
    func unknownKeys() throws {
        self.write(
            """
            colour = "green"
            current = "a"
            [contexts.a]
            server = "https://a.example:7460"
            team = "ops"
            [contexts.b]
            server = "https://b.example:7460"
            [plugins]
            x = [1, 2]
            """
        )
        try ContextFile.change(environment: self.environment) { file throws(RoomError) in
            try file.remove("b")
            file.put(ContextFile.Context(name: "c", server: "https://c.example:1", token: "t\"x"))
            try file.use("c")
        }
        let file = try ContextFile.read(environment: self.environment)
        #expect(file.contexts.map(\.name) == ["a", "c"])
        #expect(file.current == "c")
        #expect(try file.context(named: "c").token == "t\"x")
        for kept in ["colour", "green", "team", "ops", "plugins"] {
            #expect(self.text.contains(kept), "\(kept) is gone from \(self.text)")
        }
        #expect(!self.text.contains("b.example"))
    }

    @Test("removing the current context leaves none")
    func removeCurrent() throws {
        self.write("current = 'a'\n[contexts.a]\nserver = 'http://localhost:1'\ntoken = 't'\n")
        try ContextFile.change(environment: self.environment) {
            file throws(RoomError) in try file.remove("a")
        }
        let file = try ContextFile.read(environment: self.environment)
        #expect(file.current == nil && file.contexts.isEmpty)
        #expect(!self.text.contains("token"))
    }

    @Test("two that record at once lose nothing")
    func atOnce() async throws {
        let environment = self.environment
        let folder = self.folder
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 1...8 {
                group.addTask {
                    try ContextFile.storeToken(
                        server: "http://127.0.0.1:\(number)",
                        token: "\(number)",
                        data: "\(folder)/\(number)",
                        environment: environment
                    )
                }
            }
            try await group.waitForAll()
        }
        let file = try ContextFile.read(environment: environment)
        #expect(file.contexts.count == 8)
        #expect(Set(file.contexts.compactMap(\.token)).count == 8)
        let names = try FileManager.default.contentsOfDirectory(atPath: folder)
        #expect(names == ["config.toml"])
    }

    @Test("a file that is not TOML is named with the place", arguments: ["a = = 1", "[x"])
    func broken(_ text: String) {
        self.write(text)
        let error = #expect(throws: RoomError.self) {
            try ContextFile.read(environment: self.environment)
        }
        #expect(error?.message.contains("config.toml is not TOML:1:") == true)
    }

    @Test("without a file, or a place for one, there are no contexts")
    func nothing() throws {
        #expect(try ContextFile.read(environment: self.environment).contexts.isEmpty)
        #expect(try ContextFile.read(environment: [:]).contexts.isEmpty)
        #expect(throws: RoomError.self) {
            try ContextFile.change(environment: [:]) { file throws(RoomError) in
                try file.use(nil)
            }
        }
    }

    @Test("the file lies where OPSROOM_CONFIG, XDG_CONFIG_HOME or HOME say, in this order")
    func places() throws {
        let home = self.folder
        for (environment, place) in [
            (["HOME": home], "/.config/opsroom/config.toml"),
            (["HOME": home, "XDG_CONFIG_HOME": home + "/xdg"], "/xdg/opsroom/config.toml"),
            (["HOME": home, "OPSROOM_CONFIG": home + "/own.toml"], "/own.toml"),
        ] {
            let file = try ContextFile.read(environment: environment)
            #expect(file.path == home + place)
        }
    }
}
