// Reads certificates and keys from files; every way it can fail is a sentence.

internal import FoundationEssentials
internal import NIOSSL

/// Certificates and keys in PEM files.
enum PEMFiles {
    /// A certificate chain with its key, as read at one moment.
    struct Pair: Sendable, Equatable {
        var certificateBytes: [UInt8]
        var keyBytes: [UInt8]
    }

    /// The bytes of a file.
    static func read(_ path: String, what: String) throws(HTTP2Error) -> [UInt8] {
        do {
            return [UInt8](try Data(contentsOf: URL(filePath: path)))
        } catch {
            let reason: String
            switch (error as? CocoaError)?.code {
            case .fileReadNoSuchFile?, .fileNoSuchFile?: reason = "does not exist"
            case .fileReadNoPermission?: reason = "may not be read by this user"
            default: reason = "cannot be read: \(error)"
            }
            throw HTTP2Error(.certificate, "the \(what) \(path) \(reason)")
        }
    }

    /// The certificates of PEM text, leaf first; at least one.
    static func certificates(
        in bytes: [UInt8],
        of path: String,
        what: String
    ) throws(HTTP2Error) -> [NIOSSLCertificate] {
        let chain: [NIOSSLCertificate]
        do {
            chain = try NIOSSLCertificate.fromPEMBytes(bytes)
        } catch {
            throw HTTP2Error(
                .certificate,
                "the \(what) \(path) holds no certificate in PEM form: it must begin with "
                    + "-----BEGIN CERTIFICATE-----"
            )
        }
        guard !chain.isEmpty else {
            throw HTTP2Error(.certificate, "the \(what) \(path) is empty")
        }
        return chain
    }

    /// The key of PEM text.
    static func key(in bytes: [UInt8], of path: String) throws(HTTP2Error) -> NIOSSLPrivateKey {
        do {
            return try NIOSSLPrivateKey(bytes: bytes, format: .pem)
        } catch {
            throw HTTP2Error(
                .certificate,
                "the key file \(path) holds no private key in PEM form, or one with a passphrase; "
                    + "remove the passphrase"
            )
        }
    }
}

extension PEMFiles.Pair {
    /// Reads both files.
    init(certificatePath: String, keyPath: String) throws(HTTP2Error) {
        self.certificateBytes = try PEMFiles.read(certificatePath, what: "certificate file")
        self.keyBytes = try PEMFiles.read(keyPath, what: "key file")
    }
}

/// A certificate chain and its key, parsed and within their time.
struct TLSIdentity: Sendable {
    let chain: [NIOSSLCertificateSource]
    let key: NIOSSLPrivateKeySource
    /// When the first certificate of the chain ends, in seconds since 1970.
    let end: Int

    /// Parses what was read.
    init(
        _ pair: PEMFiles.Pair,
        certificatePath: String,
        keyPath: String,
        at now: Int
    ) throws(HTTP2Error) {
        let chain = try PEMFiles.certificates(
            in: pair.certificateBytes,
            of: certificatePath,
            what: "certificate file"
        )
        self.key = .privateKey(try PEMFiles.key(in: pair.keyBytes, of: keyPath))
        var end = Int.max
        for certificate in chain {
            end = min(end, Int(certificate.notValidAfter))
            guard Int(certificate.notValidAfter) > now else {
                throw HTTP2Error(
                    .certificate,
                    "a certificate of \(certificatePath) expired on "
                        + "\(Self.day(Int(certificate.notValidAfter))); renew it"
                )
            }
            guard Int(certificate.notValidBefore) <= now else {
                throw HTTP2Error(
                    .certificate,
                    "a certificate of \(certificatePath) is not valid before "
                        + "\(Self.day(Int(certificate.notValidBefore))); look at the clock"
                )
            }
        }
        self.end = end
        self.chain = chain.map { .certificate($0) }
    }

    private static func day(_ seconds: Int) -> String {
        Date(timeIntervalSince1970: Double(seconds)).formatted(.iso8601)
    }
}

extension TLSConfiguration {
    /// A context of this configuration, whose certificate and key were parsed before.
    func context(certificatePath: String, keyPath: String) throws(HTTP2Error) -> NIOSSLContext {
        do {
            return try NIOSSLContext(configuration: self)
        } catch NIOSSLError.failedToLoadPrivateKey {
            throw HTTP2Error(
                .certificate,
                "the key \(keyPath) does not belong to the certificate \(certificatePath)"
            )
        } catch {
            throw HTTP2Error(.certificate, "TLS cannot be set up with \(certificatePath): \(error)")
        }
    }
}
