// What a server may be told about its certificates, and about those of its clients.

/// Certificates of a server. Files are looked at again every minute: a renewed certificate needs no
/// restart.
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
