// Decides that tokens go long after their end, with the browsers' sessions made by them, and no others.

import Store
import Testing

@Suite(.timeLimit(.minutes(1)))
struct TokenTests {
    @Test("a token goes a while after it was revoked or expired; what lets in stays")
    func sweep() async throws {
        try await StoreBed.with { bed in
            for (id, lifetime) in [
                ("live", nil), ("expired", Duration.seconds(1)), ("revoked", nil), ("just", nil),
            ] as [(String, Duration?)] {
                _ = try await bed.store.createToken(
                    NewToken(
                        id: id,
                        name: id,
                        scope: "read",
                        tenant: "t",
                        secretHash: [UInt8](repeating: 1, count: 32),
                        lifetime: lifetime
                    )
                )
            }
            let hash = [UInt8](repeating: 2, count: 32)
            try await bed.store.createBrowserSession(secretHash: hash, token: "revoked")
            try await bed.text(
                """
                UPDATE api_token SET expires_at = now() - interval '8 days' WHERE id = 'expired'
                """
            )
            try await bed.text(
                "UPDATE api_token SET revoked_at = now() - interval '8 days' WHERE id = 'revoked'"
            )
            try await bed.store.revokeToken("just")
            #expect(try await bed.store.sweepTokens(endedFor: .seconds(7 * 86_400)) == 2)
            #expect(try await bed.store.sweepTokens(endedFor: .seconds(7 * 86_400)) == 0)
            let left = try await bed.store.tokens(
                tenant: nil,
                after: nil,
                limit: 9,
                includingEnded: true
            )
            #expect(Set(left.map(\.id)) == ["live", "just"])
            #expect(try await bed.number("SELECT count(*) FROM browser_session") == 0)
        }
    }
}
