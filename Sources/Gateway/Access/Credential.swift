// What a request proves itself with.

import Crypto
import HTTP2
import HTTPTypes

/// A token or a browser's cookie, as it came.
enum Credential: Sendable, Hashable {
    case none
    /// Something that is neither.
    case broken
    case token(TokenText)
    case cookie(secret: String)

    /// Finds the proof of a request; a token wins over a cookie.
    init(_ exchange: any ServerExchange) {
        let fields = exchange.request.headerFields
        if let text = fields[.authorization] {
            let parts = text.split(separator: " ", maxSplits: 1)
            guard parts.count == 2, parts[0].lowercased() == "bearer",
                let token = TokenText(parts[1])
            else {
                self = .broken
                return
            }
            self = .token(token)
            return
        }
        let name = Self.cookieName(isTLS: exchange.origin.isTLS)
        guard let cookies = fields[.cookie],
            let secret = Self.value(of: name, in: cookies)
        else {
            self = .none
            return
        }
        self = .cookie(secret: secret)
    }

    /// With `__Host-` a browser keeps the cookie from subdomains and from the clear.
    static func cookieName(isTLS: Bool) -> String { isTLS ? "__Host-opsroom" : "opsroom" }

    /// The second token of a session: only who can read this site's answers knows it.
    static func csrf(_ secret: String) -> String {
        TokenText.hash("csrf:\(secret)".utf8).map { byte in
            let text = String(byte, radix: 16)
            return byte < 16 ? "0" + text : text
        }.joined()
    }

    private static func value(of name: String, in cookies: String) -> String? {
        for part in cookies.split(separator: ";") {
            let pair = part.drop { $0 == " " }
            guard pair.hasPrefix(name), pair.dropFirst(name.count).first == "=" else { continue }
            return String(pair.dropFirst(name.count + 1))
        }
        return nil
    }
}
