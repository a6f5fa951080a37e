// Certificates: which are used, which are refused, and what people are told.

import Foundation
import Logging
import NIOCore
import NIOPosix
import NIOSSL
import TestPeers
import Testing

@testable import HTTP2

@Suite("TLS")
struct TLSTests {
    private static let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    @Test(
        "files that cannot be used are refused with a sentence that names the file",
        arguments: [
            ("missing certificate", "the certificate file FOLDER/server.pem does not exist"),
            ("missing key", "the key file FOLDER/server.key does not exist"),
            ("no PEM", "the certificate file FOLDER/server.pem holds no certificate in PEM form"),
            ("no key PEM", "the key file FOLDER/server.key holds no private key in PEM form"),
            ("wrong key", "the key FOLDER/server.key does not belong to the certificate"),
            ("expired", "a certificate of FOLDER/server.pem expired on "),
            ("too early", "a certificate of FOLDER/server.pem is not valid before "),
            ("missing authority", "the authority file FOLDER/none.pem does not exist"),
        ]
    )
    func badFiles(_ what: String, _ sentence: String) throws {
        let files = try TestCertificates()
        var tls = files.server
        switch what {
        case "missing certificate": unlink(files.path("server.pem"))
        case "missing key": unlink(files.path("server.key"))
        case "no PEM": try files.folder.write("hello", to: "server.pem")
        case "no key PEM": try files.folder.write("hello", to: "server.key")
        case "wrong key": try files.folder.write(files.authority.issue().key, to: "server.key")
        case "expired": try files.write(files.authority.issue(begin: -90, end: -60), "server")
        case "too early": try files.write(files.authority.issue(begin: 3_600), "server")
        default: tls.clientAuthorityPath = files.path("none.pem")
        }
        let error = #expect(throws: HTTP2Error.self) {
            try ServerTLSContext(tls, logger: Self.quiet)
        }
        #expect(error?.code == .certificate)
        let wanted = sentence.replacing("FOLDER", with: files.folder.path)
        #expect(error?.message.hasPrefix(wanted) == true, "\(error?.message ?? "")")
    }

    @Test("half of a client's certificate is refused")
    func halfClient() throws {
        let files = try TestCertificates()
        var tls = files.client
        tls.keyPath = files.path("client.key")
        let error = #expect(throws: HTTP2Error.self) {
            try ClientTLSContext(tls, host: "localhost")
        }
        #expect(error?.message == "a client key is given without its certificate")
    }

    @Test("a renewed certificate is shown to the next connection, without restart")
    func renewal() async throws {
        let files = try TestCertificates()
        let context = try ServerTLSContext(files.server, logger: Self.quiet)
        let listener = try await TLSListener(context)
        #expect(try await listener.namesShown(to: files.client) == ["localhost"])
        #expect(context.reload() == .unchanged)
        try files.write(files.authority.issue(["localhost", "new.test"]), "server")
        #expect(context.reload() == .renewed)
        #expect(try await listener.namesShown(to: files.client) == ["localhost", "new.test"])
        try await listener.close()
    }

    @Test("a renewed pair that cannot be used leaves the old one, and is reported once")
    func refusedRenewal() async throws {
        let files = try TestCertificates()
        let context = try ServerTLSContext(files.server, logger: Self.quiet)
        let listener = try await TLSListener(context)
        let next = try files.authority.issue(["localhost", "new.test"])
        try files.folder.write(next.certificate, to: "server.pem")
        guard case .refused(let reason) = context.reload() else {
            Issue.record("a certificate without its key was taken")
            return
        }
        #expect(reason.contains("does not belong to"))
        #expect(context.reload() == .unchanged)
        #expect(try await listener.namesShown(to: files.client) == ["localhost"])
        try files.write(files.authority.issue(begin: -90, end: -60), "server")
        guard case .refused = context.reload() else {
            Issue.record("an expired certificate was taken")
            return
        }
        unlink(files.path("server.pem"))
        guard case .refused = context.reload() else {
            Issue.record("a missing certificate was not noticed")
            return
        }
        #expect(try await listener.namesShown(to: files.client) == ["localhost"])
        try files.write(next, "server")
        #expect(context.reload() == .renewed)
        #expect(try await listener.namesShown(to: files.client) == ["localhost", "new.test"])
        try await listener.close()
    }

    @Test("a client certificate's names are known to the server once it is verified")
    func clientNames() async throws {
        let files = try TestCertificates()
        var tls = files.server
        tls.clientAuthorityPath = files.authorityPath
        let listener = try await TLSListener(ServerTLSContext(tls, logger: Self.quiet))
        var client = files.client
        client.certificatePath = files.path("client.pem")
        client.keyPath = files.path("client.key")
        _ = try await listener.namesShown(to: client)
        #expect(try await listener.clientNames() == ["spiffe://test/node/a", "a.nodes.test"])
        try await listener.close()
    }

    @Test("a client without a certificate is let in only where that is allowed")
    func optionalClient() async throws {
        let files = try TestCertificates()
        var tls = files.server
        tls.clientAuthorityPath = files.authorityPath
        let strict = try await TLSListener(ServerTLSContext(tls, logger: Self.quiet))
        _ = try? await strict.namesShown(to: files.client)
        await #expect(throws: (any Error).self) { try await strict.clientNames() }
        try await strict.close()
        tls.requiresClientCertificate = false
        let lenient = try await TLSListener(ServerTLSContext(tls, logger: Self.quiet))
        #expect(try await lenient.namesShown(to: files.client) == ["localhost"])
        #expect(try await lenient.clientNames() == [])
        // One that is shown must still be good.
        let stranger = try TestAuthority("Stranger").issue()
        try files.write(stranger, "stranger")
        var client = files.client
        client.certificatePath = files.path("stranger.pem")
        client.keyPath = files.path("stranger.key")
        _ = try? await lenient.namesShown(to: client)
        await #expect(throws: (any Error).self) { try await lenient.clientNames() }
        try await lenient.close()
    }

    @Test(
        "a client tells in a sentence why it does not trust a server",
        arguments: [
            ("other authority", "is not signed by an authority this client trusts"),
            ("other name", "is not made out for 'elsewhere.test'"),
            ("other address", "is not made out for '127.0.0.1'"),
        ]
    )
    func distrust(_ what: String, _ sentence: String) async throws {
        let files = try TestCertificates()
        if what == "other address" {
            try files.write(files.authority.issue(addresses: []), "server")
        }
        let context = try ServerTLSContext(files.server, logger: Self.quiet)
        let listener = try await TLSListener(context)
        var client = files.client
        switch what {
        case "other authority":
            let other = try TestAuthority("Other").pem
            client.authorityPath = try files.folder.write(other, to: "other.pem")
            client.serverName = "localhost"
        case "other name": client.serverName = "elsewhere.test"
        default: client.serverName = "127.0.0.1"
        }
        let error = await #expect(throws: HTTP2Error.self) {
            try await listener.namesShown(to: client)
        }
        #expect(error?.code == .certificate)
        #expect(error?.message.contains(sentence) == true, "\(error?.message ?? "")")
        try await listener.close()
    }

    @Test(
        "a node is known by an exact name or by one label before a suffix",
        arguments: [
            (["a.nodes.test"], ["a.nodes.test"], true), (["a.nodes.test"], ["A.Nodes.Test"], true),
            (["*.nodes.test"], ["b.nodes.test"], true),
            (["*.nodes.test"], ["x.b.nodes.test"], false),
            (["*.nodes.test"], ["nodes.test"], false), (["*.nodes.test"], [".nodes.test"], false),
            (["*.nodes.test"], ["*.nodes.test"], false),
            (["*.nodes.test"], ["spiffe://b.nodes.test"], false),
            (["spiffe://t/a"], ["spiffe://t/a"], true), (["spiffe://t/a"], ["spiffe://t/A"], false),
            (["a.test"], ["b.test", "a.test"], true), (["a.test"], [], false), ([], ["a"], false),
        ] as [([String], [String], Bool)]
    )
    func nodeNames(_ list: [String], _ names: [String], _ isNode: Bool) {
        #expect(NodeNames(list).acceptsNode(names: names) == isNode)
    }
}
