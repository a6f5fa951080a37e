// Which texts name a running node, and over which of them a token may travel.

/// The address of a node's API.
public struct ServerURL: Sendable, Hashable, CustomStringConvertible {
    /// The port of a node that says nothing about it, and of an address without scheme and port.
    public static let defaultPort = 7_460

    /// Whether the connection is encrypted: `https`.
    public var isSecure: Bool
    /// The host, without brackets.
    public var host: String
    /// The port.
    public var port: Int

    /// Reads `https://host[:port]`, `http://host[:port]` or `host[:port]`; without a scheme this
    /// machine is spoken to in the clear and every other one encrypted.
    ///
    /// - Throws: `usage`, a sentence about what is wrong with the text.
    public init(_ text: String) throws(RoomError) {
        var rest = text[...]
        var isSecure: Bool?
        if rest.hasPrefix("https://") { isSecure = true }
        if rest.hasPrefix("http://") { isSecure = false }
        if let isSecure { rest = rest.dropFirst(isSecure ? 8 : 7) }
        if rest.hasSuffix("/") { rest = rest.dropLast() }
        guard
            let match = rest.wholeMatch(
                of: /(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]+))(?::([0-9]{1,5}))?/
            ),
            let host = match.1 ?? match.2
        else {
            throw RoomError(
                .usage,
                "'\(text)' does not name a server: it takes https://host:port or http://host:port",
                next: "opsroom runs list --server http://127.0.0.1:\(Self.defaultPort)"
            )
        }
        self.host = String(host)
        self.isSecure = isSecure ?? !Self.isLoopback(self.host)
        let fallback = isSecure == nil ? Self.defaultPort : self.isSecure ? 443 : 80
        self.port = match.3.flatMap { Int($0) } ?? fallback
        guard (1...65_535).contains(self.port) else {
            throw RoomError(.usage, "'\(text)' does not name a server: ports end at 65535")
        }
    }

    /// The whole address.
    public var description: String {
        let host = self.host.contains(":") ? "[\(self.host)]" : self.host
        return "\(self.isSecure ? "https" : "http")://\(host):\(self.port)"
    }

    /// Whether what is sent can be read on the way: in the clear, and not within this machine.
    public var isOverheard: Bool { !self.isSecure && !self.isThisMachine }

    /// Whether it is a loopback address.
    public var isThisMachine: Bool { Self.isLoopback(self.host) }

    /// Whether a host is this machine itself.
    static func isLoopback(_ host: String) -> Bool {
        host == "localhost" || host == "::1"
            || host.wholeMatch(of: /127\.[0-9]+\.[0-9]+\.[0-9]+/) != nil
    }
}
