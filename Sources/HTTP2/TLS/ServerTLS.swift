// What a server may be told about its certificates, and about those of its clients.

/// What became of a server's certificate files that have changed.
public enum CertificateChange: Sendable, Hashable {
    /// Connections from now on see the new certificate.
    case renewed
    /// The new files cannot be used; the old certificate stays. A sentence says why.
    case refused(String)
}

/// Certificates of a server. Files are looked at again every ten seconds: a renewed certificate needs
/// no restart.
public struct ServerTLS: Sendable {
    /// PEM file of the certificate chain.
    public var certificatePath: String
    /// PEM file of the private key.
    public var keyPath: String
    /// PEM file of the authorities of client certificates; `nil` asks for none. What a client shows
    /// is always verified against them.
    public var clientAuthorityPath: String?
    /// Whether a client without a certificate is turned away; without meaning when
    /// ``clientAuthorityPath`` is `nil`. False lets browsers and nodes share a port: whoever shows
    /// no certificate has no ``RequestOrigin/certificateNames``. Default true.
    public var requiresClientCertificate = true

    /// Names the files.
    public init(certificatePath: String, keyPath: String, clientAuthorityPath: String? = nil) {
        self.certificatePath = certificatePath
        self.keyPath = keyPath
        self.clientAuthorityPath = clientAuthorityPath
    }
}
