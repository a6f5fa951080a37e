// Which host names and origins requests may carry, so that no web page can speak for its visitor.

/// The names this server answers to.
///
/// A page of another site can point its own name at this address (DNS rebinding) and then ask as if
/// it were here. Such a request carries that name; an address instead of a name cannot be rebound,
/// and over TLS the certificate does not match.
struct HostPolicy: Sendable {
    private let names: Set<String>

    /// Allows `localhost`, every address, and these names.
    init(names: [String]) {
        self.names = Set(names.map { $0.lowercased() } + ["localhost"])
    }

    /// Whether a request with this authority is answered.
    func allows(_ authority: String?, isTLS: Bool) -> Bool {
        guard let authority, let host = Self.host(authority) else { return false }
        return isTLS || Self.isAddress(host) || self.names.contains(host)
            || host.hasSuffix(".localhost")
    }

    /// Whether a page of this origin was served from here.
    ///
    /// What came in the clear may be anybody's work on the way, so over TLS it is another's. The
    /// other way round it may be ours: TLS may have ended in front of this server.
    static func isSame(origin: String, authority: String?, isTLS: Bool = false) -> Bool {
        guard let authority, let scheme = origin.firstRange(of: "://") else { return false }
        if isTLS, origin[..<scheme.lowerBound].lowercased() != "https" { return false }
        return origin[scheme.upperBound...].lowercased() == authority.lowercased()
    }

    /// The host of `host[:port]`, in small letters, without a last dot; `nil` when it is not one.
    static func host(_ authority: String) -> String? {
        var host = authority[...]
        if host.hasPrefix("[") {
            guard let end = host.firstIndex(of: "]") else { return nil }
            let rest = host[host.index(after: end)...]
            guard rest.isEmpty || Self.isPort(rest) else { return nil }
            return host[...end].lowercased()
        }
        if let colon = host.firstIndex(of: ":") {
            guard Self.isPort(host[colon...]) else { return nil }
            host = host[..<colon]
        }
        if host.hasSuffix(".") { host = host.dropLast() }
        guard !host.isEmpty, host.utf8.allSatisfy(Self.isNameByte) else { return nil }
        return host.lowercased()
    }

    private static func isPort(_ text: Substring) -> Bool {
        text.first == ":" && text.utf8.count <= 6
            && text.dropFirst().utf8.allSatisfy { (0x30...0x39).contains($0) }
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F: true
        default: false
        }
    }

    private static func isAddress(_ host: String) -> Bool {
        if host.hasPrefix("[") {
            return host.dropFirst().dropLast().utf8.allSatisfy {
                $0 == 0x3A || $0 == 0x2E || (0x30...0x39).contains($0)
                    || (0x61...0x66).contains($0)
            }
        }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts.allSatisfy { UInt8($0) != nil }
    }
}
