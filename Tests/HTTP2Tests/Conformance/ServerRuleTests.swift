// A server keeps every rule of RFC 9113 and RFC 7541 that a peer can put to the test.

import Testing

@Suite("Conformance of the server")
struct ServerRuleTests {
    @Test("every rule of RFC 9113 and RFC 7541", arguments: ServerRules.all)
    func rule(_ rule: WireCase) async throws {
        if let port = WireServer.foreignPort {
            _ = try await onOwnThread { try rule.run(port: port) }
            return
        }
        try await withWireServer { server in
            _ = try await onOwnThread { try rule.run(port: server.port) }
            #expect(server.forbidden.isEmpty)
        }
    }

    @Test("no rule is there twice")
    func names() {
        let names = ServerRules.all.map(\.testDescription)
        #expect(Set(names).count == names.count)
        #expect(names.count >= 146)
    }
}
