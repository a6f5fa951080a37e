// Decides that a real browser follows event streams over TLS and HTTP/2, and comes back to where it was.

import Foundation
import HTTP2
import HTTPTypes
import NIOCore
import PulserIR
import StateMachines
import Synchronization
import TestKit
import TestPeers
import Testing

@testable import Gateway

@Suite("Browsers", .serialized, .timeLimit(.minutes(4)))
struct BrowserTests {
    /// Posts what it has seen of `/events` once it has a hundred.
    private static let plainPage = """
        <!doctype html><meta charset="utf-8"><title>events</title>
        <script>
        const seen = [];
        let opened = 0;
        const source = new EventSource('/events');
        source.onopen = () => { opened += 1; };
        source.onmessage = (event) => {
            seen.push(event.lastEventId + '=' + event.data);
            if (seen.length === 40) fetch('/forty', { method: 'POST' });
            if (seen.length !== 100) return;
            source.close();
            fetch('/seen', { method: 'POST', body: JSON.stringify({ seen, opened }) });
        };
        </script>
        """

    /// Events from an id on; the first answer is cut off in the middle of one once the page has forty.
    private static func stream(
        _ exchange: any ServerExchange,
        _ forty: AsyncStream<Void>
    ) async {
        let name = HTTPField.Name("last-event-id")
        let last = name.flatMap { exchange.request.headerFields[$0] }.flatMap { Int($0) }
        let fields: HTTPFields = [.contentType: "text/event-stream", .cacheControl: "no-store"]
        let out = exchange.respond(HTTPResponse(status: .ok, headerFields: fields))
        let ids = last.map { Array(($0 + 1)...max($0 + 1, 100)) } ?? Array(1...40)
        do {
            try await out.write(ByteBuffer(string: "retry: 50\n\n"))
            for id in ids {
                try await out.write(ByteBuffer(string: "id: \(id)\ndata: event \(id)\n\n"))
            }
            guard last == nil else { return out.finish(nil) }
            try await out.write(ByteBuffer(string: "id: 41\ndata: begun and not ended\n"))
            for await _ in forty {}
            out.abort()
        } catch {
            out.abort()
        }
    }

    @Test(
        "an EventSource over TLS that is cut off comes back with its last id and misses nothing",
        .enabled(if: !Peer.chromium.isAbsent, Peer.chromium.notVerified)
    )
    func plain() async throws {
        let mailbox = Mailbox()
        let (forty, arrived) = AsyncStream<Void>.makeStream()
        try await PageServer.with(TestCertificates()) { exchange in
            guard await !mailbox.answers(exchange, page: Self.plainPage) else { return }
            guard exchange.request.path == "/forty" else {
                return await Self.stream(exchange, forty)
            }
            arrived.finish()
            exchange.respond(HTTPResponse(status: .noContent), body: nil)
        } _: { port in
            let report = try await Browser("https://127.0.0.1:\(port)/").report(to: mailbox)
            let seen = report["seen"]?.arrayValue?.compactMap(\.stringValue)
            #expect(seen == (1...100).map { "\($0)=event \($0)" })
            let streams = mailbox.requests.filter { $0.contains("/events") }
            #expect(streams == ["HTTP/2 GET /events -", "HTTP/2 GET /events 40"])
            #expect(report["opened"]?.integerValue == 2)
        }
    }

    /// Logs in with a token, follows all events, tries a change without and with the second token.
    private static func gatewayPage(token: String) -> String {
        """
        <!doctype html><meta charset="utf-8"><title>events</title>
        <script>
        const report = { seen: [], reconnects: 0, statuses: {} };
        const json = { 'content-type': 'application/json' };
        const send = (method, path, headers, body) =>
            fetch(path, { method, headers, body: body && JSON.stringify(body) });
        async function finish(csrf) {
            const end = '/v1/browser-session';
            report.statuses.without = (await send('DELETE', end, {})).status;
            report.statuses.out = (await send('DELETE', end, { 'x-csrf-token': csrf })).status;
            report.statuses.after = (await send('GET', '/v1/me', {})).status;
            await send('POST', '/seen', json, report);
        }
        async function main() {
            const answer = await send('POST', '/v1/browser-session', json, { token: '\(token)' });
            report.statuses.session = answer.status;
            const csrf = (await answer.json()).csrf_token;
            const source = new EventSource('/v1/events?from=start');
            source.onerror = () => { report.reconnects += 1; };
            source.onmessage = (event) => {
                report.seen.push(JSON.parse(event.data).seq);
                if (report.seen.length !== 100) return;
                source.close();
                finish(csrf);
            };
        }
        main().catch((error) => send('POST', '/seen', json, { error: String(error) }));
        </script>
        """
    }

    @Test(
        "a browser with a cookie follows the API's events through a restart, each of them once",
        .enabled(if: !Peer.chromium.isAbsent, Peer.chromium.notVerified)
    )
    func gateway() async throws {
        let mailbox = Mailbox()
        let files = try TestCertificates()
        try await AccessTests.with { bed in
            let bearer = try await bed.token(.admin).fields[.authorization] ?? ""
            let page = Self.gatewayPage(token: String(bearer.dropFirst("Bearer ".count)))
            let handler: @Sendable (any ServerExchange) async -> Void = { exchange in
                guard await !mailbox.answers(exchange, page: page) else { return }
                await bed.door.respond(to: exchange)
            }
            try await SessionWriter.with(bed, lanes: 1) { session in
                let (port, browser) = try await PageServer.with(files, handler: handler) { port in
                    let browser = try Browser("https://127.0.0.1:\(port)/")
                    do {
                        try await eventually("the page follows", within: .seconds(60)) {
                            bed.gateway.events.seats.count == 1
                        }
                    } catch {
                        _ = try await browser.report(to: mailbox)
                        throw error
                    }
                    try await session.commit([40])
                    return (port, browser)
                }
                try await session.commit([60])
                try await PageServer.with(files, port: port, handler: handler) { _ in
                    let report = try await browser.report(to: mailbox)
                    let seen = report["seen"]?.arrayValue?.compactMap(\.integerValue)
                    #expect(seen == Array(1...100), "\(report.canonicalText)")
                    #expect(report["reconnects"]?.integerValue ?? 0 >= 1)
                    let statuses: JSONValue = [
                        "session": 201, "without": 403, "out": 204, "after": 401,
                    ]
                    #expect(
                        report["statuses"]?.isEqual(to: statuses) == true,
                        "\(report.canonicalText)"
                    )
                    let streams = mailbox.requests.filter { $0.contains("/v1/events") }
                    #expect(streams.first == "HTTP/2 GET /v1/events?from=start -")
                    let cursor = streams.last?.split(separator: " ").last.map(String.init) ?? ""
                    #expect(StreamCursor(cursor) != nil, "\(streams)")
                }
            }
        }
    }
}
