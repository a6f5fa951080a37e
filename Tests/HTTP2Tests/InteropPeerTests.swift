// Implementations of HTTP/2 that cluster/test installs: nghttp2's tools, Python's h2, httpx and hypercorn.

import Foundation
import HTTPTypes
import NIOCore
import TestPeers
import Testing

@testable import HTTP2

@Suite("Interoperability with installed peers")
struct InteropPeerTests {
    @Test(
        "our server and nghttp: a body there and back, in the clear and over TLS",
        .enabled(if: !Peer.nghttp.isAbsent, Peer.nghttp.notVerified),
        arguments: [false, true]
    )
    func nghttp(isTLS: Bool) async throws {
        let files = try TestCertificates()
        let body = String(repeating: "b", count: 200_000)
        let path = try files.folder.write(body, to: "body")
        let command = try Peer.nghttp.required()
        try await TestServer.with(
            configuration: InteropTests.server(isTLS ? files : nil),
            handler: Echo.answer
        ) { server in
            let scheme = isTLS ? "https" : "http"
            let output = try await PeerProcess.output(
                of: command + [
                    "--no-verify-peer", "--timeout=30s", "-d", path,
                    "\(scheme)://localhost:\(server.port)/nghttp",
                ]
            )
            // nghttp prints nothing but the body unless it is told to.
            #expect(output.contains(body), "\(output.prefix(400))")
        }
    }

    @Test(
        "our server and h2load: every one of 20,000 requests succeeds",
        .enabled(if: !Peer.h2load.isAbsent, Peer.h2load.notVerified)
    )
    func h2load() async throws {
        let command = try Peer.h2load.required()
        try await TestServer.with { exchange in
            exchange.respond(HTTPResponse(status: .ok), body: ByteBuffer(string: "hello"))
        } _: { server in
            let output = try await PeerProcess.output(
                of: command + [
                    "-n", "20000", "-c", "10", "-m", "50", "http://127.0.0.1:\(server.port)/",
                ]
            )
            #expect(
                output.contains(
                    "20000 total, 20000 started, 20000 done, 20000 succeeded, 0 failed"
                ),
                "\(output)"
            )
            #expect(output.contains("20000 2xx"), "\(output)")
        }
    }

    @Test(
        "our client and nghttpd: files of many sizes, trailers, in the clear and over TLS",
        .enabled(if: !Peer.nghttpd.isAbsent, Peer.nghttpd.notVerified),
        arguments: [false, true]
    )
    func nghttpd(isTLS: Bool) async throws {
        let files = try TestCertificates()
        let sizes = [1, 100, 16_384, 16_385, 70_000, 3_000_000]
        for size in sizes {
            try files.folder.write(String(repeating: "f", count: size), to: "f\(size)")
        }
        let port = try FreePort.take()
        var command = try Peer.nghttpd.required()
        command += ["--htdocs=\(files.folder.path)", "--address=127.0.0.1"]
        command += ["--trailer=x-end: complete", "--echo-upload"]
        if !isTLS { command += ["--no-tls"] }
        command += ["\(port)"]
        if isTLS { command += [files.path("server.key"), files.path("server.pem")] }
        let server = try PeerProcess(command)
        // nghttpd does not say when it listens: the client tries again until it does.
        var configuration = Self.patient(port: port)
        if isTLS { configuration.tls = files.client }
        try await ClientBed.with(configuration) { client in
            for size in sizes {
                let answer = try await client.send(.to("/f\(size)"))
                #expect(answer.head.status == .ok)
                let body = try await answer.body.collect()
                #expect(body.readableBytes == size)
                #expect(body.readableBytesView.allSatisfy { $0 == UInt8(ascii: "f") })
                let trailers = await answer.trailers()
                #expect(HTTPField.Name("x-end").flatMap { trailers?[$0] } == "complete")
            }
            let missing = try await client.send(.to("/nowhere"))
            #expect(missing.head.status == .notFound)
            let large = ByteBuffer(repeating: 117, count: 1_000_000)
            let echoed = try await client.send(.to("/echo", .post), body: large)
            #expect(try await echoed.body.collect() == large)
        }
        _ = consume server
    }

    @Test(
        "our server and Python's h2, frame by frame, with a window that opens bit by bit",
        .enabled(if: !Peer.pythonH2.isAbsent, Peer.pythonH2.notVerified)
    )
    func pythonH2() async throws {
        let command = try Peer.pythonH2.required()
        try await TestServer.with(handler: Echo.answer) { server in
            let output = try await PeerProcess.output(
                of: command + ["-c", Self.h2Client, "\(server.port)"]
            )
            #expect(output == "200 /h2 300000 complete")
        }
    }

    @Test(
        "our server and httpx over TLS: a hundred requests at once on one connection",
        .enabled(if: !Peer.pythonHTTPX.isAbsent, Peer.pythonHTTPX.notVerified)
    )
    func httpx() async throws {
        let files = try TestCertificates()
        let command = try Peer.pythonHTTPX.required()
        try await TestServer.with(
            configuration: InteropTests.server(files),
            handler: Echo.answer
        ) { server in
            let output = try await PeerProcess.output(
                of: command + [
                    "-c", Self.httpxClient, "https://localhost:\(server.port)",
                    files.authorityPath,
                ]
            )
            #expect(output == "HTTP/2 100 500000")
        }
    }

    @Test(
        "our client and hypercorn: echo, many at once, in the clear and over TLS",
        .enabled(if: !Peer.pythonHypercorn.isAbsent, Peer.pythonHypercorn.notVerified),
        arguments: [false, true]
    )
    func hypercorn(isTLS: Bool) async throws {
        let files = try TestCertificates()
        try files.folder.write(Self.hypercornApplication, to: "echo_application.py")
        let port = try FreePort.take()
        var command = try Peer.pythonHypercorn.required()
        command += ["-B", "-m", "hypercorn", "--bind", "127.0.0.1:\(port)"]
        if isTLS {
            command += ["--certfile", files.path("server.pem")]
            command += ["--keyfile", files.path("server.key")]
        }
        command += ["echo_application:application"]
        let server = try PeerProcess(command, in: files.folder.path)
        var configuration = Self.patient(port: port)
        if isTLS { configuration.tls = files.client }
        try await ClientBed.with(configuration) { try await Echo.check($0, hasTrailers: false) }
        _ = consume server
    }

    /// A client that waits for its server to begin.
    private static func patient(port: Int) -> HTTP2ClientConfiguration {
        var configuration = HTTP2ClientConfiguration(host: "127.0.0.1", port: port)
        configuration.attemptsMax = 200
        configuration.backoff = .milliseconds(50)
        configuration.backoffMax = .milliseconds(200)
        return configuration
    }

    private static let h2Client = """
        import socket, sys
        import h2.config, h2.connection, h2.events

        link = socket.create_connection(('127.0.0.1', int(sys.argv[1])), timeout=30)
        config = h2.config.H2Configuration(client_side=True, header_encoding='utf-8')
        c = h2.connection.H2Connection(config=config)
        c.initiate_connection()
        link.sendall(c.data_to_send())
        c.send_headers(1, [(':method', 'POST'), (':path', '/h2'), (':scheme', 'http'),
                           (':authority', 'localhost')])
        body, sent, received, head, tail, done = b'a' * 300000, 0, 0, {}, {}, False
        while not done:
            while sent < len(body):
                room = min(c.local_flow_control_window(1), c.max_outbound_frame_size,
                           len(body) - sent)
                if room == 0:
                    break
                c.send_data(1, body[sent:sent + room])
                sent += room
                if sent == len(body):
                    c.end_stream(1)
            link.sendall(c.data_to_send())
            data = link.recv(65536)
            if not data:
                print('closed early')
                sys.exit(1)
            for event in c.receive_data(data):
                if isinstance(event, h2.events.ResponseReceived):
                    head = dict(event.headers)
                elif isinstance(event, h2.events.TrailersReceived):
                    tail = dict(event.headers)
                elif isinstance(event, h2.events.DataReceived):
                    received += len(event.data)
                    c.acknowledge_received_data(event.flow_controlled_length, 1)
                elif isinstance(event, h2.events.StreamEnded):
                    done = True
                elif isinstance(event, (h2.events.StreamReset, h2.events.ConnectionTerminated)):
                    print('ended early', event)
                    sys.exit(1)
        c.close_connection()
        link.sendall(c.data_to_send())
        print(head[':status'], head['x-path'], received, tail.get('x-end'))
        """

    private static let httpxClient = """
        import asyncio, ssl, sys
        import httpx

        async def main():
            context = ssl.create_default_context(cafile=sys.argv[2])
            async with httpx.AsyncClient(http2=True, verify=context, timeout=60) as client:
                large = await client.post(sys.argv[1] + '/large', content=b'x' * 500000)
                answers = await asyncio.gather(*[
                    client.post(sys.argv[1] + '/many', content=str(i)) for i in range(100)])
                right = sum(a.text == str(i) for i, a in enumerate(answers))
                print(large.http_version, right, len(large.content))

        asyncio.run(main())
        """

    private static let hypercornApplication = """
        async def application(scope, receive, send):
            if scope['type'] == 'lifespan':
                while True:
                    message = await receive()
                    await send({'type': message['type'] + '.complete'})
                    if message['type'] == 'lifespan.shutdown':
                        return
            await send({'type': 'http.response.start', 'status': 200, 'headers': []})
            while True:
                message = await receive()
                if message['type'] == 'http.disconnect':
                    return
                more = message.get('more_body', False)
                await send({'type': 'http.response.body', 'body': message.get('body', b''),
                            'more_body': more})
                if not more:
                    return
        """
}

/// A port for a program that cannot choose one and say so.
enum FreePort {
    /// A port of loopback that nobody listens on now.
    static func take() throws -> Int { try RawListener().port }
}
