// Our client and our server with other implementations that every machine of ours has.

import Foundation
import HTTPTypes
import NIOCore
import NIOHPACK
import NIOHTTP2
import NIOPosix
import TestPeers
import Testing

@testable import HTTP2

@Suite("Interoperability")
struct InteropTests {
    @Test(
        "our client and node's server",
        .enabled(if: !Peer.node.isAbsent, Peer.node.notVerified),
        arguments: [false, true]
    )
    func nodeServer(isTLS: Bool) async throws {
        let files = try TestCertificates()
        let script = Echo.nodeServer(certificates: isTLS ? files : nil)
        let node = try PeerProcess(try Peer.node.required() + ["-e", script])
        let port = try #require(Int(try await node.line()))
        var configuration = HTTP2ClientConfiguration(host: "127.0.0.1", port: port)
        if isTLS { configuration.tls = files.client }
        try await ClientBed.with(configuration) { try await Echo.check($0) }
    }

    @Test(
        "our server and node's client",
        .enabled(if: !Peer.node.isAbsent, Peer.node.notVerified),
        arguments: [false, true]
    )
    func nodeClient(isTLS: Bool) async throws {
        let files = try TestCertificates()
        let command = try Peer.node.required()
        try await TestServer.with(
            configuration: Self.server(isTLS ? files : nil),
            handler: Echo.answer
        ) { server in
            let script = Echo.nodeClient(port: server.port, certificates: isTLS ? files : nil)
            let output = try await PeerProcess.output(of: command + ["-e", script])
            #expect(output == "200 /node 1000000 complete")
        }
    }

    @Test("our client and swift-nio-http2")
    func nio() async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let channel = try await ServerBootstrap(group: group)
            .childChannelInitializer { channel in
                channel.configureHTTP2Pipeline(mode: .server) { stream in
                    stream.eventLoop.makeCompletedFuture {
                        try stream.pipeline.syncOperations.addHandler(NIOEcho())
                    }
                }
                .map { _ in }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let port = channel.localAddress?.port ?? 0
        let configuration = HTTP2ClientConfiguration(host: "127.0.0.1", port: port)
        try await ClientBed.with(configuration) { try await Echo.check($0) }
        try await channel.close()
        try await group.shutdownGracefully()
    }

    @Test("our client and our server over TLS, each showing a certificate")
    func ownTLS() async throws {
        let files = try TestCertificates()
        var server = Self.server(files)
        server.tls?.clientAuthorityPath = files.authorityPath
        try await ClientBed.withServer(
            server: server,
            configure: {
                $0.tls = files.client
                $0.tls?.certificatePath = files.path("client.pem")
                $0.tls?.keyPath = files.path("client.key")
            },
            handler: { exchange in
                let names = exchange.origin.certificateNames.joined(separator: " ")
                exchange.respond(
                    HTTPResponse(status: .ok),
                    body: ByteBuffer(string: "\(exchange.origin.isTLS) \(names)")
                )
            },
            { client in
                let text = try await client.send(.to("/")).body.text()
                #expect(text == "true spiffe://test/node/a a.nodes.test")
            }
        )
    }

    @Test("a client without the certificate that is demanded is told so")
    func missingCertificate() async throws {
        let files = try TestCertificates()
        var server = Self.server(files)
        server.tls?.clientAuthorityPath = files.authorityPath
        try await ClientBed.withServer(
            server: server,
            configure: { $0.tls = files.client },
            handler: Echo.answer,
            { client in
                let error = await #expect(throws: HTTP2Error.self) {
                    try await client.send(.to("/"))
                }
                #expect(error?.code == .certificate)
                #expect(
                    error?.message.contains("demands a client certificate") == true,
                    "\(error?.message ?? "")"
                )
            }
        )
    }

    @Test(
        "our server and curl over TLS, both protocols",
        .enabled(if: !Peer.curl.isAbsent, Peer.curl.notVerified),
        arguments: [("--http2", "HTTP/2"), ("--http1.1", "HTTP/1.1")]
    )
    func curl(_ flag: String, _ version: String) async throws {
        let files = try TestCertificates()
        let command = try Peer.curl.required()
        try await TestServer.with(
            configuration: Self.server(files),
            handler: Echo.answer
        ) { server in
            let output = try await PeerProcess.output(
                of: command + [
                    "-sS", "--max-time", "30", flag, "--cacert", files.authorityPath, "-d", "hello",
                    "-w", " %header{x-version} %{http_version} %{http_code}",
                    "https://localhost:\(server.port)/x",
                ]
            )
            let number = version == "HTTP/2" ? "2" : "1.1"
            #expect(output == "hello \(version) \(number) 200")
        }
    }

    @Test(
        "our server and Java's HttpClient over TLS",
        .enabled(if: !Peer.java.isAbsent, Peer.java.notVerified)
    )
    func java() async throws {
        let files = try TestCertificates()
        let source = try files.folder.write(Self.javaClient, to: "Client.java")
        let command = try Peer.java.required()
        try await TestServer.with(
            configuration: Self.server(files),
            handler: Echo.answer
        ) { server in
            let output = try await PeerProcess.output(
                of: command + [
                    "-Xshare:auto", "-XX:TieredStopAtLevel=1", source,
                    "https://localhost:\(server.port)/java", files.authorityPath,
                ]
            )
            #expect(output == "HTTP_2 200 POST /java 1000000 50")
        }
    }

    /// Settings of our server, encrypted when there are certificates.
    static func server(_ files: TestCertificates?) -> HTTPServerConfiguration {
        var configuration = HTTPServerConfiguration()
        configuration.tls = files?.server
        return configuration
    }

    private static let javaClient = """
        import java.net.URI;
        import java.net.http.*;
        import java.nio.file.*;
        import java.security.KeyStore;
        import java.security.cert.CertificateFactory;
        import java.util.*;
        import java.util.concurrent.CompletableFuture;
        import javax.net.ssl.*;

        class Client {
            public static void main(String[] a) throws Exception {
                var store = KeyStore.getInstance(KeyStore.getDefaultType());
                store.load(null, null);
                try (var in = Files.newInputStream(Path.of(a[1]))) {
                    var made = CertificateFactory.getInstance("X.509").generateCertificate(in);
                    store.setCertificateEntry("test", made);
                }
                var trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
                trust.init(store);
                var tls = SSLContext.getInstance("TLS");
                tls.init(null, trust.getTrustManagers(), null);
                var client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_2)
                    .sslContext(tls).build();
                var body = HttpRequest.BodyPublishers.ofByteArray(new byte[1000000]);
                var request = HttpRequest.newBuilder(URI.create(a[0])).POST(body).build();
                var answer = client.send(request, HttpResponse.BodyHandlers.ofByteArray());
                var many = new ArrayList<CompletableFuture<HttpResponse<String>>>();
                for (int i = 0; i < 50; i++) {
                    var text = HttpRequest.BodyPublishers.ofString("n" + i);
                    many.add(client.sendAsync(
                        HttpRequest.newBuilder(URI.create(a[0])).POST(text).build(),
                        HttpResponse.BodyHandlers.ofString()));
                }
                int right = 0;
                for (int i = 0; i < 50; i++) if (many.get(i).get().body().equals("n" + i)) right++;
                System.out.println(answer.version() + " " + answer.statusCode() + " "
                    + answer.headers().firstValue("x-method").orElse("") + " "
                    + answer.headers().firstValue("x-path").orElse("") + " "
                    + answer.body().length + " " + right);
                System.exit(0);
            }
        }
        """
}

/// swift-nio-http2's side of the echo.
private final class NIOEcho: ChannelInboundHandler {
    typealias InboundIn = HTTP2Frame.FramePayload
    typealias OutboundOut = HTTP2Frame.FramePayload

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch self.unwrapInboundIn(data) {
        case .headers(let headers):
            let head = HPACKHeaders([(":status", "200")])
            context.write(self.wrapOutboundOut(.headers(.init(headers: head))), promise: nil)
            if headers.endStream { self.end(context) }
        case .data(let piece):
            let back = HTTP2Frame.FramePayload.Data(data: piece.data)
            context.write(self.wrapOutboundOut(.data(back)), promise: nil)
            if piece.endStream { self.end(context) }
        default: break
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) { context.flush() }

    private func end(_ context: ChannelHandlerContext) {
        let trailers = HPACKHeaders([("x-end", "complete")])
        let frame = HTTP2Frame.FramePayload.headers(.init(headers: trailers, endStream: true))
        context.writeAndFlush(self.wrapOutboundOut(frame), promise: nil)
    }
}
