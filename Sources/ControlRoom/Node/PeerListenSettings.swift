// Where a node listens for other nodes, where they find it, and whom it takes for one.

internal import Cluster
internal import Execution
internal import HTTP2
import PulserIR

/// How nodes of a cluster reach each other, beside their database.
public struct PeerListenSettings: Sendable, Hashable {
    /// The host to listen on, without brackets.
    public var host: String
    /// The port.
    public var port: Int
    /// Where others call it, `host:port`.
    public var endpoint: String
    /// PEM file of the authority that signs the certificates of nodes; `nil` speaks in the clear, on
    /// this machine only.
    public var authority: String?
    /// PEM file of this node's certificate chain.
    public var certificate: String?
    /// PEM file of its key.
    public var key: String?

    /// Reads the settings; what is wrong with them is the reader's to tell.
    ///
    /// - Parameter reader: Knows flags, environment and file.
    /// - Returns: The settings; `nil` for `off`, which is the default.
    public static func read(_ reader: inout SettingReader) -> PeerListenSettings? {
        let place = reader.text(.peerListen, unset: "off")
        let address = reader.text(.peerAddress, unset: "as peer-listen")
        let authority = reader.text(.peerAuthority)
        guard let place, place != "off" else {
            if address != nil { reader.refuse(.peerAddress, "needs --peer-listen") }
            if authority != nil { reader.refuse(.peerAuthority, "needs --peer-listen") }
            return nil
        }
        guard let listening = NodeAddress(endpoint: place) else {
            reader.refuse(
                .peerListen,
                "must be host:port, [address]:port or 'off'; others are told the port, so it is not 0"
            )
            return nil
        }
        var settings = PeerListenSettings(
            host: listening.host,
            port: listening.port,
            endpoint: address ?? place,
            authority: authority,
            certificate: reader.value(of: .certificate),
            key: reader.value(of: .key)
        )
        settings.check(&reader, isAddressGiven: address != nil)
        if settings.authority == nil { (settings.certificate, settings.key) = (nil, nil) }
        return settings
    }

    private func check(_ reader: inout SettingReader, isAddressGiven: Bool) {
        guard let called = NodeAddress(endpoint: self.endpoint) else {
            return reader.refuse(.peerAddress, "must be host:port or [address]:port")
        }
        if ["0.0.0.0", "::"].contains(called.host) {
            reader.refuse(
                isAddressGiven ? .peerAddress : .peerListen,
                "is no address that others can call: give one with --peer-address"
            )
        }
        if self.authority != nil, self.certificate == nil || self.key == nil {
            reader.refuse(
                .peerAuthority,
                "needs the node's own certificate: give --tls-cert and --tls-key, as "
                    + "opsroom certs node makes them"
            )
        }
        let isLocal = ServerURL.isLoopback(self.host) && ServerURL.isLoopback(called.host)
        if self.authority == nil, !isLocal {
            reader.refuse(
                .peerListen,
                "is reached from other machines, and nodes speak in the clear on one machine only: "
                    + "give --peer-ca"
            )
        }
    }

    /// For the node below.
    func settings() -> PeerSettings {
        var tls: ClusterTLS?
        if let authority, let certificate, let key {
            var client = ClientTLS()
            client.authorityPath = authority
            client.certificatePath = certificate
            client.keyPath = key
            tls = ClusterTLS(
                server: ServerTLS(
                    certificatePath: certificate,
                    keyPath: key,
                    clientAuthorityPath: authority
                ),
                client: client,
                nodes: .cluster
            )
        }
        return PeerSettings(
            host: self.host,
            port: self.port,
            endpoint: self.endpoint,
            tls: tls
        )
    }
}
