// One-time codes: what a terminal opens a browser with, so that no token is ever part of an address.

import Synchronization

/// The codes that this node has given and nobody has used yet; only their hashes are kept.
///
/// Owner: Gateway. In memory alone: a code is for the node that gave it.
final class BrowserCodes: Sendable {
    /// How long a code can be used.
    static let lifetime: Duration = .seconds(60)
    /// Codes kept at once; one more is refused, so that nobody pushes out another's.
    static let codesMax = 100
    /// Of these, codes of one token; with one more the oldest of them gives way.
    static let codesOfTokenMax = 5

    private struct Entry: Sendable {
        var token: String
        var endsAt: ContinuousClock.Instant
        /// Rises with every code.
        var number: Int
    }

    private struct State: Sendable {
        var made = 0
        var entries: [[UInt8]: Entry] = [:]
    }

    private let state = Mutex(State())

    /// Makes a code for the holder of a token.
    ///
    /// - Parameters:
    ///   - token: The token's public half.
    ///   - now: The moment.
    /// - Returns: The code; `nil` when too many of others wait to be used.
    func make(for token: String, at now: ContinuousClock.Instant) -> String? {
        let code = TokenText.secret()
        let hash = TokenText.hash(code.utf8)
        return self.state.withLock { state in
            state.entries = state.entries.filter { $0.value.endsAt > now }
            let own = state.entries.filter { $0.value.token == token }
            if own.count >= Self.codesOfTokenMax,
                let oldest = own.min(by: { $0.value.number < $1.value.number })
            {
                state.entries[oldest.key] = nil
            }
            guard state.entries.count < Self.codesMax else { return nil }
            state.made += 1
            state.entries[hash] = Entry(
                token: token,
                endsAt: now + Self.lifetime,
                number: state.made
            )
            return code
        }
    }

    /// Uses a code up.
    ///
    /// - Parameters:
    ///   - code: The text.
    ///   - now: The moment.
    /// - Returns: The public half of the token it was made for; `nil` when it is no code, was used,
    ///   or is too old.
    func take(_ code: String, at now: ContinuousClock.Instant) -> String? {
        let hash = TokenText.hash(code.utf8)
        // Found by the hash of the whole text: how long that takes tells nothing about a code.
        let entry = self.state.withLock { $0.entries.removeValue(forKey: hash) }
        guard let entry, entry.endsAt > now else { return nil }
        return entry.token
    }
}
