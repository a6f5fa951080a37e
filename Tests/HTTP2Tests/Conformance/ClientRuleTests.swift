// A client keeps every rule that a server can put to the test.

import Testing

@Suite("Conformance of the client")
struct ClientRuleTests {
    @Test("every rule for clients", arguments: ClientRules.all)
    func rule(_ rule: ClientCase) async throws { try await rule.run() }

    @Test("no rule is there twice")
    func names() {
        let names = ClientRules.all.map(\.testDescription)
        #expect(Set(names).count == names.count)
        #expect(names.count >= 50)
    }
}
