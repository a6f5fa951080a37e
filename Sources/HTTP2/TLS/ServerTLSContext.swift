// Decides which certificate a server shows to the next connection, and whom it lets in.

internal import FoundationEssentials
internal import Logging
internal import NIOSSL
internal import SwiftASN1
internal import Synchronization
internal import X509

/// The TLS side of a listening server.
///
/// Owner: `HTTPServer.run()`, which runs ``run(every:onChange:)`` beside the listener. A pair of
/// files that cannot be used never replaces one that can.
final class ServerTLSContext: Sendable {
    /// What a look at the files led to.
    enum Outcome: Sendable, Equatable {
        /// Nothing differs from the last look.
        case unchanged
        /// Connections from now on see the new certificate.
        case renewed
        /// The new files cannot be used; the old certificate stays. The sentence says why.
        case refused(String)
    }

    private struct State: Sendable {
        var context: NIOSSLContext
        var files: Files
    }

    /// The files' bytes at the last look, usable or not.
    private struct Files: Sendable, Equatable {
        var pair: PEMFiles.Pair
        var authority: [UInt8]?
    }

    private let tls: ServerTLS
    private let logger: Logger
    private let now: @Sendable () -> Int
    private let state: Mutex<State>

    /// Reads the files.
    ///
    /// - Parameters:
    ///   - tls: Where they are.
    ///   - logger: For renewals, and for files that cannot be used.
    ///   - now: Seconds since 1970.
    /// - Throws: `certificate`.
    init(
        _ tls: ServerTLS,
        logger: Logger,
        now: @escaping @Sendable () -> Int = { Int(Date.now.timeIntervalSince1970) }
    ) throws(HTTP2Error) {
        let files = try Self.files(of: tls)
        let context = try Self.context(of: tls, files, at: now())
        self.tls = tls
        self.logger = logger
        self.now = now
        self.state = Mutex(State(context: context, files: files))
    }

    /// A handler for one more connection.
    func makeHandler() -> NIOSSLServerHandler {
        NIOSSLServerHandler(context: self.state.withLock { $0.context })
    }

    /// Looks at the files again and again until cancelled.
    ///
    /// - Parameters:
    ///   - interval: The pause between two looks; each reads three small files.
    ///   - onChange: Called when the files have changed. After a renewal connections made before still
    ///     show the old certificate, and the server may want to send them away.
    func run(
        every interval: Duration = .seconds(10),
        onChange: @escaping @Sendable (CertificateChange) -> Void
    ) async {
        while (try? await Task.sleep(for: interval)) != nil {
            switch self.reload() {
            case .unchanged: break
            case .renewed: onChange(.renewed)
            case .refused(let reason): onChange(.refused(reason))
            }
        }
    }

    /// Looks at the files once.
    ///
    /// - Returns: Whether they changed, and whether they could be used.
    @discardableResult
    func reload() -> Outcome {
        let old = self.state.withLock { $0.files }
        do {
            let files = try Self.files(of: self.tls)
            guard files != old else { return .unchanged }
            // A pair that was refused is not read again before it changes.
            self.state.withLock { $0.files = files }
            let context = try Self.context(of: self.tls, files, at: self.now())
            self.state.withLock { $0.context = context }
        } catch {
            TLSMetrics.certificateReloads(renewed: false)
            self.logger.warning(
                "the new certificate cannot be used, the old one stays",
                metadata: ["reason": "\(error.message)"]
            )
            return .refused(error.message)
        }
        TLSMetrics.certificateReloads(renewed: true)
        self.logger.notice(
            "certificate renewed",
            metadata: ["certificate": "\(self.tls.certificatePath)"]
        )
        return .renewed
    }

    /// The names of the certificate that the peer of a connection showed, once its handshake is
    /// over: verified by the handshake, since this server never lets one pass that is not.
    static func verifiedNames(of handler: NIOSSLHandler) -> [String] {
        guard let certificate = handler.peerCertificate else { return [] }
        return Self.names(of: certificate)
    }

    /// The DNS names and URIs of a certificate's subject alternative names.
    static func names(of certificate: NIOSSLCertificate) -> [String] {
        guard
            let bytes = try? certificate.toDERBytes(),
            let parsed = try? Certificate(derEncoded: bytes),
            let names = try? parsed.extensions.subjectAlternativeNames
        else { return [] }
        return names.compactMap { name in
            switch name {
            case .dnsName(let name): name
            case .uniformResourceIdentifier(let uri): uri
            default: nil
            }
        }
    }

    private static func files(of tls: ServerTLS) throws(HTTP2Error) -> Files {
        let pair = try PEMFiles.Pair(certificatePath: tls.certificatePath, keyPath: tls.keyPath)
        var authority: [UInt8]?
        if let path = tls.clientAuthorityPath {
            authority = try PEMFiles.read(path, what: "authority file")
        }
        return Files(pair: pair, authority: authority)
    }

    private static func context(
        of tls: ServerTLS,
        _ files: Files,
        at now: Int
    ) throws(HTTP2Error) -> NIOSSLContext {
        let identity = try TLSIdentity(
            files.pair,
            certificatePath: tls.certificatePath,
            keyPath: tls.keyPath,
            at: now
        )
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: identity.chain,
            privateKey: identity.key
        )
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = ["h2", "http/1.1"]
        if let authority = files.authority, let path = tls.clientAuthorityPath {
            let roots = try PEMFiles.certificates(in: authority, of: path, what: "authority file")
            configuration.trustRoots = .certificates(roots)
            configuration.certificateVerification =
                tls.requiresClientCertificate ? .noHostnameVerification : .optionalVerification
        }
        let context = try configuration.context(
            certificatePath: tls.certificatePath,
            keyPath: tls.keyPath
        )
        TLSMetrics.certificateEnd(seconds: identity.end - now)
        return context
    }
}
