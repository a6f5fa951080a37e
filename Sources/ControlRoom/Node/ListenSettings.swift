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
    /// File with the token of the first administrator; with it the node makes none of its own.
    public var firstToken: String?
    /// Names the node answers to beside its addresses.
    public var hostNames: [String] = []
    /// Origins of pages that may ask beside the node's own.
    public var origins: [String] = []
    /// Requests a second of one token; 0 means no limit.
    public var requestsPerSecond = 1_000
    /// Whether `/metrics` needs no token from this machine.
    public var isMetricsOpen = false

    /// Reads the settings; what is wrong with them is the reader's to tell.
    ///
    /// - Parameter reader: Knows flags, environment and file.
    /// - Returns: The settings; `nil` for `off`.
    public static func read(_ reader: inout SettingReader) -> ListenSettings? {
        var settings = ListenSettings()
        let place = reader.text(.listen, unset: "\(settings.host):\(settings.port)")
        if let place, place != "off", !settings.take(place) {
            reader.refuse(.listen, "must be host:port, [address]:port or 'off'")
        }
        settings.certificate = reader.text(.certificate)
        settings.key = reader.text(.key)
        settings.clientAuthority = reader.text(.clientAuthority)
        settings.firstToken = reader.text(.firstToken)
        settings.hostNames = reader.list(.hosts)
        settings.origins = reader.list(.origins)
        settings.requestsPerSecond = reader.number(.rateLimit, in: 0...1_000_000, default: 1_000)
        settings.isMetricsOpen = reader.text(.metrics, unset: "closed") == "open"
        if place == "off" { return nil }
        if (settings.certificate == nil) != (settings.key == nil) {
            let there: Setting = settings.key == nil ? .certificate : .key
            reader.refuse(
                there,
                "is half of a pair: a certificate and its key go together, so give both --tls-cert "
                    + "and --tls-key"
            )
        }
        if settings.clientAuthority != nil, settings.certificate == nil {
            reader.refuse(
                .clientAuthority,
                "asks for client certificates, which needs --tls-cert and --tls-key"
            )
        }
        return settings
    }

    /// Whether only this machine can reach it.
    public var isLoopback: Bool { ServerURL.isLoopback(self.host) }

    /// Takes a place to listen.
    ///
    /// - Returns: Whether it is one.
    private mutating func take(_ place: String) -> Bool {
        let pattern = /(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]+)):([0-9]{1,5})/
        guard let match = place.wholeMatch(of: pattern), let host = match.1 ?? match.2,
            let port = Int(match.3), port <= 65_535
        else { return false }
        self.host = String(host)
        self.port = port
        self.isPortFlexible = false
        return true
    }

    /// Whether nobody on the way can read what is said.
    ///
    /// - Throws: `refused`.
    public func check() throws(RoomError) {
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
