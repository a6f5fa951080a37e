// Decides whom commands talk to: flag, environment, context, data directory, in this order.

import ControlRoom
import Foundation
import TestBed
import Testing

@Suite struct ContextChoiceTests {
    private let folder = TestPostgres.temporaryDirectory()

    /// An environment whose file knows `prod` and `local`.
    private func environment(
        current: String? = nil,
        _ more: [String: String] = [:]
    ) throws -> [String: String] {
        var environment = ["OPSROOM_CONFIG": self.folder + "/config.toml"]
        try ContextFile.change(environment: environment) { file throws(RoomError) in
            file.put(
                ContextFile.Context(name: "prod", server: "https://ops.example:1", token: "p")
            )
            file.put(
                ContextFile.Context(
                    name: "local",
                    server: "http://127.0.0.1:2",
                    token: "l",
                    data: self.folder + "/data"
                )
            )
            try file.use(current)
        }
        environment.merge(more) { $1 }
        return environment
    }

    private func resolve(
        _ environment: [String: String],
        server: String? = nil,
        context: String? = nil,
        data: String? = nil
    ) throws -> ServerAccess? {
        try ServerChoice(server: server, context: context, data: data, environment: environment)
            .resolve()
    }

    @Test("without any word about a server commands work on the data directory")
    func local() throws {
        #expect(try self.resolve(self.environment()) == nil)
        #expect(try self.resolve([:]) == nil)
    }

    @Test("the current context is used, and --data or OPSROOM_DATA leave it aside")
    func current() throws {
        let environment = try self.environment(current: "prod")
        #expect(try self.resolve(environment)?.token == "p")
        #expect(try self.resolve(environment, data: "x") == nil)
        #expect(try self.resolve(environment.merging(["OPSROOM_DATA": "x"]) { $1 }) == nil)
    }

    @Test("a flag wins over the environment, the environment over the current context")
    func order() throws {
        let environment = try self.environment(current: "prod")
        let named = environment.merging(["OPSROOM_CONTEXT": "local"]) { $1 }
        #expect(try self.resolve(named)?.context == "local")
        #expect(try self.resolve(named, context: "prod")?.context == "prod")
        let addressed = environment.merging(["OPSROOM_SERVER": "http://127.0.0.1:9"]) { $1 }
        #expect(try self.resolve(addressed)?.url.port == 9)
        #expect(try self.resolve(addressed, server: "https://other.example:5")?.url.port == 5)
        let token = environment.merging(["OPSROOM_TOKEN": "e"]) { $1 }
        #expect(try self.resolve(token)?.token == "e")
    }

    @Test("a server that a context knows is spoken to with its token, another one with none")
    func tokens() throws {
        let environment = try self.environment(current: "prod")
        #expect(try self.resolve(environment, server: "127.0.0.1:2")?.token == "l")
        #expect(try self.resolve(environment, server: "https://evil.example:1")?.token == nil)
    }

    @Test("every value says where it came from, and the token is not among them")
    func origins() throws {
        let access = try self.resolve(self.environment(current: "prod"))
        let origins = access?.origins ?? []
        #expect(origins.map(\.name) == ["context", "server", "token"])
        #expect(origins.map(\.value) == ["prod", "https://ops.example:1", "set"])
        #expect(origins.first?.origin.hasPrefix("current in ") == true)
    }

    @Test("--data beside --server or --context is a contradiction")
    func contradiction() throws {
        let environment = try self.environment()
        for (server, context) in [("http://127.0.0.1:1", nil), (nil, "prod")] {
            let error = #expect(throws: RoomError.self) {
                try self.resolve(environment, server: server, context: context, data: "x")
            }
            #expect(error?.code == .usage)
        }
    }

    @Test("an unknown context is named with those there are")
    func unknown() throws {
        let environment = try self.environment()
        let error = #expect(throws: RoomError.self) {
            try self.resolve(environment, context: "prd")
        }
        #expect(error?.code == .notFound)
        #expect(error?.message == "there is no context 'prd'; there are: local, prod")
    }

    @Test("a context with the same token and authorities is another node of the same cluster")
    func sibling() throws {
        let environment = try self.environment()
        #expect(try self.resolve(environment, context: "prod")?.sibling == nil)
        try ContextFile.change(environment: environment) { file throws(RoomError) in
            for (name, token) in [("a", "p"), ("prod2", "p"), ("stranger", "q")] {
                let server = "https://\(name).example:1"
                file.put(
                    ContextFile.Context(
                        name: name,
                        server: server,
                        token: token,
                        ca: name == "a" ? "/other.pem" : nil
                    )
                )
            }
        }
        #expect(try self.resolve(environment, context: "prod")?.sibling == "prod2")
        #expect(try self.resolve(environment, context: "prod2")?.sibling == "prod")
        #expect(try self.resolve(environment, context: "stranger")?.sibling == nil)
    }

    @Test("what only a node can tell is asked of the node of the data directory, if one is known")
    func required() throws {
        let environment = try self.environment()
        let known = ServerChoice(data: self.folder + "/data", environment: environment)
        #expect(try known.require("events are told").context == "local")
        let stranger = ServerChoice(data: self.folder + "/new", environment: environment)
        let error = #expect(throws: RoomError.self) { try stranger.require("events are told") }
        #expect(error?.code == .unavailable)
        #expect(error?.next == "opsroom up --data \(self.folder)/new")
    }

    @Test("a token does not travel in the clear to another machine")
    func overheard() throws {
        let environment = ["OPSROOM_TOKEN": "t"]
        let error = #expect(throws: RoomError.self) {
            try self.resolve(environment, server: "http://ops.example:1")
        }
        #expect(error?.code == .refused)
        #expect(try self.resolve([:], server: "http://ops.example:1")?.token == nil)
        #expect(try self.resolve(environment, server: "http://[::1]:1")?.token == "t")
    }

    @Test(
        "addresses of servers are read",
        arguments: [
            ("http://127.0.0.1:80", "http://127.0.0.1:80"), ("localhost", "http://localhost:7460"),
            ("ops.example", "https://ops.example:7460"), ("https://a/", "https://a:443"),
            ("http://[::1]:9", "http://[::1]:9"), ("[::1]:9", "http://[::1]:9"),
        ]
    )
    func addresses(_ text: String, _ whole: String) throws {
        #expect(try ServerURL(text).description == whole)
    }

    @Test(
        "what is no address is refused",
        arguments: [
            "", "http://", "ftp://a", "http://a/b", "http://u:p@a", "a:99999", "a:0", "http://a b",
        ]
    )
    func strangeAddresses(_ text: String) {
        #expect(throws: RoomError.self) { try ServerURL(text) }
    }
}
