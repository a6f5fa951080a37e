// A server under load: where it is, and clients of it.

import HTTP2
import HTTPTypes
import Logging
import NIOCore
import NIOPosix
import PulserIR

/// A server.
struct Target: Sendable {
    var host: String
    var port: Int
    var isTLS: Bool
    var token: String?

    /// Reads `http://host:port` or `https://host:port`.
    init(_ address: String, token: String? = nil) throws(LoadError) {
        let halves = address.split(separator: "/", maxSplits: 2, omittingEmptySubsequences: false)
        guard halves.count == 3, halves[1].isEmpty, ["http:", "https:"].contains(halves[0]) else {
            throw LoadError("'\(address)' is no http:// or https:// address")
        }
        self.isTLS = halves[0] == "https:"
        let authority = halves[2].prefix { $0 != "/" }
        let colon = authority.lastIndex(of: ":")
        self.host = String(authority[..<(colon ?? authority.endIndex)])
        let port = colon.map { authority[authority.index(after: $0)...] }
        guard let number = port.map({ Int($0) }) ?? (self.isTLS ? 443 : 80) else {
            throw LoadError("'\(address)' has a port that is no number")
        }
        self.port = number
        self.token = token
    }

    init(port: Int) {
        self.host = "127.0.0.1"
        self.port = port
        self.isTLS = false
    }

    /// A client that keeps to one event loop.
    func client(
        connections: Int,
        streams: Int = 1_000,
        streamWindowBytes: Int = 1 << 20,
        connectionWindowBytes: Int = 4 << 20
    ) -> HTTP2Client {
        var configuration = HTTP2ClientConfiguration(
            host: self.host,
            port: self.port,
            tls: self.isTLS ? ClientTLS() : nil
        )
        configuration.connectionsMax = connections
        configuration.streamsPerConnectionMax = streams
        configuration.queueMax = 100_000
        configuration.limits.streamWindowBytes = streamWindowBytes
        configuration.limits.connectionWindowBytes = connectionWindowBytes
        return HTTP2Client(
            configuration,
            group: MultiThreadedEventLoopGroup.singleton,
            logger: Logger(label: "opsload") { _ in SwiftLogNoOpLogHandler() }
        )
    }

    /// A request with the token.
    func request(
        _ method: HTTPRequest.Method,
        _ path: String,
        _ fields: HTTPFields = [:]
    ) -> HTTPRequest {
        var request = HTTPRequest(
            method: method,
            scheme: self.isTLS ? "https" : "http",
            authority: "\(self.host):\(self.port)",
            path: path,
            headerFields: fields
        )
        if let token { request.headerFields[.authorization] = "Bearer \(token)" }
        return request
    }
}

/// Calls of the API that prepare a load and look after it.
struct APIClient: Sendable {
    let target: Target
    let client: HTTP2Client

    /// Makes a call.
    ///
    /// - Returns: The status, and the document of the answer.
    /// - Throws: When there is no answer.
    func call(
        _ method: HTTPRequest.Method,
        _ path: String,
        _ body: JSONValue? = nil
    ) async throws -> (status: Int, body: JSONValue) {
        var request = self.target.request(method, path)
        var bytes: ByteBuffer?
        if let body {
            request.headerFields[.contentType] = "application/json"
            bytes = ByteBuffer(string: body.canonicalText)
        }
        let response = try await self.client.send(request, body: bytes)
        var answer = ByteBuffer()
        for try await var chunk in response.body { answer.writeBuffer(&chunk) }
        let json = try? JSONValue(parsing: Array(answer.readableBytesView))
        return (response.head.status.code, json ?? .null)
    }

    /// Makes a call that must succeed.
    @discardableResult
    func make(
        _ method: HTTPRequest.Method,
        _ path: String,
        _ body: JSONValue? = nil
    ) async throws -> JSONValue {
        let answer = try await self.call(method, path, body)
        guard (200..<300).contains(answer.status) else {
            let detail = answer.body["detail"]?.stringValue ?? answer.body.canonicalText
            throw LoadError("\(method.rawValue) \(path) answers \(answer.status): \(detail)")
        }
        return answer.body
    }

    /// Makes a session with lanes `l0`, `l1` ….
    ///
    /// - Returns: What its paths call it.
    /// - Throws: When the node refuses.
    @discardableResult
    func makeSession(_ name: String, lanes: Int) async throws -> String {
        let list = (0..<lanes).map { JSONValue.object(["name": .string("l\($0)")]) }
        let session = try await self.make(
            .post,
            "/v1/sessions",
            ["name": .string(name), "lanes": .array(list)]
        )
        return session["id"]?.integerValue.map(String.init) ?? name
    }

    /// Starts a run.
    ///
    /// - Returns: Its id.
    func start(
        plan: String,
        session: String,
        lane: String,
        inputs: [String: JSONValue] = [:]
    ) async throws -> String {
        let run = try await self.make(
            .post,
            "/v1/runs",
            [
                "plan": .string(plan), "session": .string(session), "lane": .string(lane),
                "inputs": .object(inputs),
            ]
        )
        guard let id = run["id"]?.stringValue else { throw LoadError("a run without an id") }
        return id
    }

    @discardableResult
    private func make(
        _ method: HTTPRequest.Method,
        _ path: String,
        _ members: [String: JSONValue]
    ) async throws -> JSONValue {
        try await self.make(method, path, .object(members))
    }

    /// Waits until runs have ended.
    ///
    /// - Throws: When one did not succeed, or they take longer than `seconds`.
    func awaitSuccess(of runs: [String], within seconds: Int) async throws {
        let deadline = ContinuousClock.now + .seconds(seconds)
        for run in runs {
            while true {
                let status = try await self.make(.get, "/v1/runs/\(run)")["status"]?.stringValue
                if status == "succeeded" { break }
                guard ["queued", "claimed", "running", "waiting"].contains(status ?? "") else {
                    throw LoadError("run \(run) is \(status ?? "nothing")")
                }
                guard ContinuousClock.now < deadline else {
                    throw LoadError("run \(run) is still \(status ?? "nothing")")
                }
                try await Task.sleep(for: .milliseconds(100))
            }
        }
    }
}

/// A name that no earlier load has used.
enum LoadName {
    static func make() -> String {
        "load-" + String(UInt64.random(in: 0..<(1 << 40)), radix: 36)
    }
}
