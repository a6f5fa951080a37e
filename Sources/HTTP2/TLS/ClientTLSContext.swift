// Decides whether a server is the one that was meant, and says in a sentence why not.

internal import FoundationEssentials
internal import NIOCore
internal import NIOSSL

/// The TLS side of a client's connections.
struct ClientTLSContext: Sendable {
    private let context: NIOSSLContext
    private let serverName: String

    /// Reads the files.
    ///
    /// - Parameters:
    ///   - tls: Whom to trust, who the client is.
    ///   - host: The host connected to.
    /// - Throws: `certificate` for a file that cannot be used, `configuration` when only one of
    ///   certificate and key is given.
    init(_ tls: ClientTLS, host: String) throws(HTTP2Error) {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = ["h2"]
        configuration.certificateVerification = .fullVerification
        if let path = tls.authorityPath {
            let bytes = try PEMFiles.read(path, what: "authority file")
            let roots = try PEMFiles.certificates(in: bytes, of: path, what: "authority file")
            configuration.trustRoots = .certificates(roots)
        }
        switch (tls.certificatePath, tls.keyPath) {
        case (let certificatePath?, let keyPath?):
            let pair = try PEMFiles.Pair(certificatePath: certificatePath, keyPath: keyPath)
            let identity = try TLSIdentity(
                pair,
                certificatePath: certificatePath,
                keyPath: keyPath,
                at: Int(Date.now.timeIntervalSince1970)
            )
            configuration.certificateChain = identity.chain
            configuration.privateKey = identity.key
            self.context = try configuration.context(
                certificatePath: certificatePath,
                keyPath: keyPath
            )
        case (nil, nil):
            do {
                self.context = try NIOSSLContext(configuration: configuration)
            } catch {
                throw HTTP2Error(.certificate, "TLS cannot be set up: \(error)")
            }
        case (_?, nil):
            throw HTTP2Error(.configuration, "a client certificate is given without its key")
        case (nil, _?):
            throw HTTP2Error(.configuration, "a client key is given without its certificate")
        }
        self.serverName = tls.serverName ?? host
    }

    /// A handler for one more connection.
    ///
    /// - Returns: The handler. An address instead of a name is compared with the certificate's
    ///   addresses.
    /// - Throws: `configuration` for a name that no certificate can carry.
    func makeHandler() throws(HTTP2Error) -> NIOSSLClientHandler {
        let name = Self.isAddress(self.serverName) ? nil : self.serverName
        do {
            return try NIOSSLClientHandler(context: self.context, serverHostname: name)
        } catch {
            throw HTTP2Error(
                .configuration,
                "'\(self.serverName)' cannot be the name of a server: \(error)"
            )
        }
    }

    /// Holds the name of the server against its certificate once the handshake is over.
    ///
    /// The handshake has done so too, but it is content with a certificate for the address it
    /// happens to be connected to even when a name was asked for.
    func verifyName(of handler: NIOSSLHandler, server: String) throws(HTTP2Error) {
        guard !Self.isAddress(self.serverName) else { return }
        let names = handler.peerCertificate.map(ServerTLSContext.names(of:)) ?? []
        guard names.contains(where: { Self.name($0, covers: self.serverName) }) else {
            throw self.wrongName(server: server)
        }
    }

    /// What an error of a connection that was being made means to people; `nil` when it has nothing
    /// to do with certificates.
    func certificateError(_ error: any Error, server: String) -> HTTP2Error? {
        let text = "\(error)"
        if error as? NIOSSLExtraError == .failedToValidateHostname
            || error as? NIOSSLError == .unableToValidateCertificate
        {
            return self.wrongName(server: server)
        }
        guard error is NIOSSLError || error is BoringSSLError || error is NIOSSLExtraError else {
            return nil
        }
        if text.contains("CERTIFICATE_VERIFY_FAILED") {
            return HTTP2Error(
                .certificate,
                "the certificate of \(server) is not signed by an authority this client trusts, "
                    + "or is out of date; name the authority's file if it is your own"
            )
        }
        if text.contains("CERTIFICATE_REQUIRED") || text.contains("HANDSHAKE_FAILURE") {
            return HTTP2Error(
                .certificate,
                "\(server) demands a client certificate; name its file and its key's"
            )
        }
        if text.contains("ALERT") && text.contains("CA")
            || text.contains("BAD_CERTIFICATE") || text.contains("CERTIFICATE_UNKNOWN")
        {
            return HTTP2Error(.certificate, "\(server) does not accept this client's certificate")
        }
        if text.contains("NO_APPLICATION_PROTOCOL") {
            return HTTP2Error(
                .configuration,
                "\(server) does not offer HTTP/2 over TLS (ALPN 'h2')"
            )
        }
        if text.contains("WRONG_VERSION_NUMBER") || text.contains("HTTP_REQUEST") {
            return HTTP2Error(
                .certificate,
                "\(server) does not speak TLS on this port"
            )
        }
        return nil
    }

    private func wrongName(server: String) -> HTTP2Error {
        HTTP2Error(
            .certificate,
            "the certificate of \(server) is not made out for '\(self.serverName)'; give the name "
                + "it is made out for"
        )
    }

    /// RFC 6125: a `*` stands for the whole first label and for nothing else.
    static func name(_ pattern: String, covers name: String) -> Bool {
        let pattern = pattern.lowercased()
        var name = name.lowercased()
        if name.hasSuffix(".") { name.removeLast() }
        guard pattern.hasPrefix("*.") else { return pattern == name }
        guard let dot = name.firstIndex(of: "."), dot != name.startIndex else { return false }
        return pattern.dropFirst() == name[dot...]
    }

    private static func isAddress(_ name: String) -> Bool {
        (try? SocketAddress(ipAddress: name, port: 0)) != nil
    }
}
