// Decides how a test asks the API of a node that runs as a program.

import ControlRoom
import Foundation
import HTTP2
import HTTPTypes
import Logging
import NIOCore
import NIOPosix
import PulserIR

/// What a node answered.
struct APIAnswer: Sendable {
    var status: Int
    var fields: HTTPFields
    var bytes: [UInt8]

    var json: JSONValue { (try? JSONValue(parsing: self.bytes)) ?? .null }
}

/// A node's API, asked over a socket.
struct APIClient: Sendable {
    let client: HTTP2Client
    let token: String?

    /// Asks the node of a site's data directory, with the token that is in its context file.
    static func with<Value: Sendable>(
        _ site: Site,
        data: String = "data",
        _ body: @escaping @Sendable (APIClient) async throws -> Value
    ) async throws -> Value {
        let context = try site.context(data: data)
        let url = try ServerURL(context.server)
        let client = HTTP2Client(
            HTTP2ClientConfiguration(host: url.host, port: url.port),
            group: MultiThreadedEventLoopGroup.singleton,
            logger: Logger(label: "test")
        )
        return try await withThrowingTaskGroup(of: Value?.self) { group in
            group.addTask {
                await client.run()
                return nil
            }
            group.addTask { try await body(APIClient(client: client, token: context.token)) }
            defer { group.cancelAll() }
            while let next = try await group.next() {
                if let next { return next }
            }
            throw NeverHappened(description: "the client ran")
        }
    }

    /// The same client with another token, or none.
    func with(token: String?) -> APIClient { APIClient(client: self.client, token: token) }

    /// Sends a request and reads the whole answer.
    func send(
        _ method: HTTPRequest.Method,
        _ path: String,
        _ json: JSONValue? = nil
    ) async throws -> APIAnswer {
        var request = HTTPRequest(method: method, scheme: nil, authority: nil, path: path)
        request.headerFields[.authorization] = self.token.map { "Bearer \($0)" }
        if json != nil { request.headerFields[.contentType] = "application/json" }
        let response = try await self.client.send(
            request,
            body: json.map { ByteBuffer(bytes: $0.canonicalBytes) }
        )
        var bytes: [UInt8] = []
        for try await chunk in response.body { bytes += Array(chunk.readableBytesView) }
        return APIAnswer(
            status: response.head.status.code,
            fields: response.head.headerFields,
            bytes: bytes
        )
    }
}

extension Site {
    /// The context that a node of this site wrote for its data directory.
    func context(data: String = "data") throws -> ContextFile.Context {
        let file = try ContextFile.read(environment: [ContextFile.pathKey: self.contexts])
        guard let context = file.context(ofData: "\(self.folder)/\(data)") else {
            throw NeverHappened(description: "a context for \(data) is in \(self.contexts)")
        }
        return context
    }
}
