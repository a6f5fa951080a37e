// One conversation with a node's API: requests out, documents back, every failure a sentence with its
// exit code.

import ControlRoom
import Foundation
import HTTP2
import HTTPTypes
import Logging
import NIOCore
import NIOPosix
import PulserIR

/// An answer that was read whole.
struct RemoteAnswer: Sendable {
    var head: HTTPResponse
    var bytes: ByteBuffer

    /// The document.
    func json() throws(RoomError) -> JSONValue {
        do {
            return try JSONValue(parsing: Array(self.bytes.readableBytesView))
        } catch {
            throw RoomError(.failed, "the server's answer is not JSON: is it an opsroom node?")
        }
    }
}

/// A request to a node's API.
struct RemoteRequest: Sendable {
    var method: HTTPRequest.Method = .get
    /// Parts of the path after the root; each is encoded.
    var path: [String]
    /// What the path begins with.
    var root = "/v1/"
    var query: [(name: String, value: String)] = []
    var body: JSONValue?
    var fields: HTTPFields = [:]
    /// Whether it may be sent again when its outcome is not known.
    var isIdempotent = true
    /// Whether an answer that is no success is an answer too.
    var isLenient = false
    /// The largest answer that is read.
    var answerBytesMax = 64 << 20

    /// The path with the query, percent-encoded.
    var target: String {
        let path = self.root + self.path.map(Self.encoded).joined(separator: "/")
        if self.query.isEmpty { return path }
        let pairs = self.query.map { Self.encoded($0.name) + "=" + Self.encoded($0.value) }
        return path + "?" + pairs.joined(separator: "&")
    }

    private static func encoded(_ text: String) -> String {
        let plain = CharacterSet(charactersIn: "-._~:").union(.init(charactersIn: "a"..."z"))
            .union(.init(charactersIn: "A"..."Z")).union(.init(charactersIn: "0"..."9"))
        return text.addingPercentEncoding(withAllowedCharacters: plain) ?? text
    }
}

/// A node's API as a command uses it.
struct RemoteConnection: Sendable {
    let access: ServerAccess
    private let client: HTTP2Client

    /// How long an answer's head may take.
    static let answerTimeout: Duration = .seconds(30)

    /// Speaks to the server for as long as `body` does; connects with the first request.
    static func open<Value: Sendable>(
        _ access: ServerAccess,
        logger: Logger,
        _ body: @escaping @Sendable (RemoteConnection) async throws -> Value
    ) async throws -> Value {
        var settings = HTTP2ClientConfiguration(host: access.url.host, port: access.url.port)
        if access.url.isSecure {
            var tls = ClientTLS()
            tls.authorityPath = access.ca
            tls.certificatePath = access.certificate
            tls.keyPath = access.key
            settings.tls = tls
        }
        let group = MultiThreadedEventLoopGroup.singleton
        let client = HTTP2Client(settings, group: group, logger: logger)
        return try await withThrowingTaskGroup(of: Value?.self) { tasks in
            tasks.addTask {
                await client.run()
                return nil
            }
            tasks.addTask { try await body(RemoteConnection(access: access, client: client)) }
            defer { tasks.cancelAll() }
            while let next = try await tasks.next() {
                if let value = next { return value }
            }
            throw RoomError(.failed, "the connection to \(access.url) ended early")
        }
    }

    private init(access: ServerAccess, client: HTTP2Client) {
        self.access = access
        self.client = client
    }

    /// Sends a request and waits for the head of its answer.
    ///
    /// - Returns: An answer with a status below 300, its body to be read.
    /// - Throws: A `Failure` for a problem document, ``RoomError`` for anything else.
    func begin(
        _ request: RemoteRequest,
        timeout: Duration = Self.answerTimeout
    ) async throws -> ClientResponse {
        // It would ask for something else: the list of what was meant.
        guard !request.path.contains("") else {
            throw RoomError(.notFound, "there is nothing that has no name")
        }
        var head = HTTPRequest(
            method: request.method,
            scheme: self.access.url.isSecure ? "https" : "http",
            authority: self.authority,
            path: request.target,
            headerFields: request.fields
        )
        head.headerFields[.userAgent] = "opsroom/\(BuildInfo.version)"
        if head.headerFields[.accept] == nil { head.headerFields[.accept] = "application/json" }
        if let token = self.access.token { head.headerFields[.authorization] = "Bearer \(token)" }
        var body: ByteBuffer?
        if let json = request.body {
            head.headerFields[.contentType] = "application/json"
            body = ByteBuffer(string: json.canonicalText)
        }
        do {
            let answer = try await self.client.send(
                head,
                body: body,
                timeout: timeout,
                isIdempotent: request.isIdempotent
            )
            if answer.head.status.code < 300 || request.isLenient { return answer }
            let bytes = try await Self.read(answer.body, upTo: 1 << 20)
            throw RemoteProblem.failure(answer.head, bytes, self.access)
        } catch let error as HTTP2Error {
            throw RemoteProblem.error(error, self.access)
        }
    }

    /// Sends a request and reads its whole answer.
    func send(_ request: RemoteRequest) async throws -> RemoteAnswer {
        let answer = try await self.begin(request)
        do {
            let bytes = try await Self.read(answer.body, upTo: request.answerBytesMax)
            return RemoteAnswer(head: answer.head, bytes: bytes)
        } catch let error as HTTP2Error {
            throw RemoteProblem.error(error, self.access)
        }
    }

    /// A document.
    func get(
        _ path: [String],
        _ query: [(name: String, value: String)] = []
    ) async throws -> JSONValue {
        try await self.send(RemoteRequest(path: path, query: query)).json()
    }

    /// Sends a document and reads the one that answers.
    @discardableResult
    func post(
        _ path: [String],
        _ body: JSONValue = .object([:]),
        fields: HTTPFields = [:],
        isIdempotent: Bool = false
    ) async throws -> JSONValue {
        let request = RemoteRequest(
            method: .post,
            path: path,
            body: body,
            fields: fields,
            isIdempotent: isIdempotent
        )
        let answer = try await self.send(request)
        return answer.bytes.readableBytes == 0 ? .null : try answer.json()
    }

    private var authority: String {
        let url = self.access.url
        let host = url.host.contains(":") ? "[\(url.host)]" : url.host
        return url.port == (url.isSecure ? 443 : 80) ? host : "\(host):\(url.port)"
    }

    private static func read(_ body: RequestBytes, upTo limit: Int) async throws -> ByteBuffer {
        var whole = ByteBuffer()
        for try await var chunk in body {
            guard whole.readableBytes + chunk.readableBytes <= limit else {
                throw RoomError(.failed, "the server's answer is larger than \(limit) bytes")
            }
            whole.writeBuffer(&chunk)
        }
        return whole
    }
}
