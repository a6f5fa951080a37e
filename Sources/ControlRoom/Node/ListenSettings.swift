// Where a node listens, with which certificates, and whether that is safe.

import Foundation
import Gateway
import HTTP2

/// How a node offers its API.
public struct ListenSettings: Sendable, Hashable {
    /// The port when nothing is said.
    public static let defaultPort = ServerURL.defaultPort

    /// The host: a name or an address, without brackets.
    public var host = "127.0.0.1"
    /// The port; 0 lets the system choose.
    public var port = Self.defaultPort
    /// Whether another port may be taken when this one is not free: nobody asked for it.
    public var isPortFlexible = true
    /// PEM file of the certificate chain; `nil` serves in the clear.
    public var certificate: String?
    /// PEM file of its key.
    public var key: String?
    /// PEM file of the authorities of client certificates.
    public var clientAuthority: String?
    /// Names the node answers to beside its addresses.
    public var hostNames: [String] = []
    /// Origins of pages that may ask beside the node's own.
    public var origins: [String] = []
    /// Requests a second of one token; 0 means no limit.
    public var requestsPerSecond = 1_000
    /// Whether `/metrics` needs no token from this machine.
    public var isMetricsOpen = false

    /// Reads settings; a flag wins over the environment, the environment over the default.
    ///
    /// - Parameters:
    ///   - listen: `--listen`: `host:port`, or `off`.
    ///   - certificate: `--tls-cert`.
    ///   - key: `--tls-key`.
    ///   - clientAuthority: `--client-ca`.
    ///   - environment: The process's variables.
    /// - Returns: The settings; `nil` for `off`.
    /// - Throws: `usage` naming what cannot be read; `refused` when the node could be overheard.
    public static func read(
        listen: String? = nil,
        certificate: String? = nil,
        key: String? = nil,
        clientAuthority: String? = nil,
        environment: [String: String]
    ) throws(RoomError) -> ListenSettings? {
        func pick(_ flag: String?, _ name: String) -> String? {
            flag ?? environment[name].flatMap { $0.isEmpty ? nil : $0 }
        }
        let place = pick(listen, "OPSROOM_LISTEN")
        if place == "off" { return nil }
        var settings = ListenSettings()
        if let place { try settings.take(place) }
        settings.certificate = pick(certificate, "OPSROOM_TLS_CERT")
        settings.key = pick(key, "OPSROOM_TLS_KEY")
        settings.clientAuthority = pick(clientAuthority, "OPSROOM_CLIENT_CA")
        settings.hostNames = Self.list(pick(nil, "OPSROOM_HOSTS"))
        settings.origins = Self.list(pick(nil, "OPSROOM_ORIGINS"))
        if let text = pick(nil, "OPSROOM_RATE_LIMIT") {
            guard let rate = Int(text), (0...1_000_000).contains(rate) else {
                throw RoomError(
                    .usage,
                    "OPSROOM_RATE_LIMIT must be a number of requests a second from 0 to 1000000"
                )
            }
            settings.requestsPerSecond = rate
        }
        settings.isMetricsOpen = pick(nil, "OPSROOM_METRICS") == "open"
        try settings.check()
        return settings
    }

    /// Whether only this machine can reach it.
    public var isLoopback: Bool { ServerURL.isLoopback(self.host) }

    private mutating func take(_ place: String) throws(RoomError) {
        let pattern = /(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]+)):([0-9]{1,5})/
        guard let match = place.wholeMatch(of: pattern), let host = match.1 ?? match.2,
            let port = Int(match.3), port <= 65_535
        else {
            throw RoomError(
                .usage,
                "'\(place)' does not say where to listen: it takes host:port, [address]:port or "
                    + "'off'",
                next: "opsroom up --listen 127.0.0.1:\(Self.defaultPort)"
            )
        }
        self.host = String(host)
        self.port = port
        self.isPortFlexible = false
    }

    private func check() throws(RoomError) {
        if (self.certificate == nil) != (self.key == nil) {
            throw RoomError(
                .usage,
                "a certificate and its key go together: give both --tls-cert and --tls-key",
                next: "opsroom up --tls-cert CERT.pem --tls-key KEY.pem"
            )
        }
        if self.clientAuthority != nil, self.certificate == nil {
            throw RoomError(
                .usage,
                "--client-ca asks for client certificates, which needs --tls-cert and --tls-key"
            )
        }
        guard self.isLoopback || self.certificate != nil else {
            throw RoomError(
                .refused,
                "listening on \(self.host):\(self.port) without TLS would let everybody on the "
                    + "way read tokens: give --tls-cert and --tls-key, or listen on 127.0.0.1",
                next: "opsroom up --listen \(self.host):\(self.port) --tls-cert CERT.pem "
                    + "--tls-key KEY.pem"
            )
        }
    }

    private static func list(_ text: String?) -> [String] {
        (text ?? "").split(separator: ",").map { String($0.filter { $0 != " " }) }
    }

    /// How this machine's own commands reach the node, and whom they must trust for it.
    ///
    /// A certificate that is made out for `localhost` alone is asked for by that name.
    ///
    /// - Parameter url: Where it listens.
    /// - Returns: The address, and the authority's file when the certificate's own file brings it.
    func own(_ url: ServerURL) -> (server: String, authority: String?) {
        guard self.isLoopback, let path = self.certificate,
            let file = try? CertificateFile(reading: path)
        else { return (url.description, nil) }
        var url = url
        let known = [url.host, "localhost", "127.0.0.1"].first { file.covers($0) }
        url.host = known ?? url.host
        let place = URL(fileURLWithPath: path).standardizedFileURL.path
        return (url.description, file.hasAuthority ? place : nil)
    }

    // MARK: For those below

    /// The server's settings.
    func server() -> HTTPServerConfiguration {
        var server = HTTPServerConfiguration()
        server.host = self.host
        server.port = self.port
        server.refusal = Problem.refusal
        if let certificate, let key {
            server.tls = ServerTLS(
                certificatePath: certificate,
                keyPath: key,
                clientAuthorityPath: self.clientAuthority
            )
        }
        return server
    }

    /// The doorkeeper's settings.
    func access() -> AccessConfiguration {
        var access = AccessConfiguration()
        access.hostNames = self.hostNames + [self.host, HostName.current]
        access.origins = self.origins
        access.requestsPerSecond = self.requestsPerSecond
        access.requestsBurst = max(1, 2 * self.requestsPerSecond)
        return access
    }
}
