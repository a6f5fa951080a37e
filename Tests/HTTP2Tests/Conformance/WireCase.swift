// One rule of RFC 9113 or RFC 7541 that a peer can break or use, and how the other end must take it.

import Testing

/// A rule as a conversation with a server.
struct WireCase: Sendable, CustomTestStringConvertible {
    /// Where the rule stands, "9113 6.9.1".
    let section: String
    /// The rule.
    let rule: String
    /// Whether prefaces and SETTINGS are exchanged before the conversation.
    let isGreeted: Bool
    let talk: @Sendable (RawPeer) throws -> Void

    init(
        _ section: String,
        _ rule: String,
        isGreeted: Bool = true,
        _ talk: @escaping @Sendable (RawPeer) throws -> Void
    ) {
        self.section = section
        self.rule = rule
        self.isGreeted = isGreeted
        self.talk = talk
    }

    var testDescription: String { "RFC \(self.section): \(self.rule)" }

    /// Has the conversation.
    ///
    /// - Returns: Everything our side wrote: seeds for the fuzzer.
    @discardableResult func run(port: Int) throws -> [UInt8] {
        let peer = try RawPeer(port: port)
        if self.isGreeted { try peer.handshake() }
        try self.talk(peer)
        return peer.socket.written
    }
}

/// The rules for servers, by section.
enum ServerRules {
    static let all =
        Self.preface + Self.framing + Self.streamStates + Self.streamLimits + Self.errors
        + Self.dataAndHeaders + Self.smallFrames + Self.settings + Self.windows
        + Self.continuations + Self.messages + Self.fields + Self.pseudoFields + Self.compression
}
