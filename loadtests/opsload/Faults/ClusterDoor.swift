// Decides how somebody asks a cluster whose nodes come and go: one node after the other, until one answers.

import HTTP2
import HTTPTypes
import NIOCore
import NIOPosix
import PulserIR
import Synchronization

/// The API of whichever node answers.
final class ClusterDoor: Sendable {
    /// How long one node may take to answer.
    static let answerMax: Duration = .seconds(4)
    /// How long it is asked around.
    static let patience: Duration = .seconds(120)

    let targets: [Target]
    let clients: [HTTP2Client]
    private let turn = Atomic<Int>(0)
    private let asked = Atomic<Int>(0)

    init(_ servers: [String], token: String) throws(LoadError) {
        var targets: [Target] = []
        for server in servers { targets.append(try Target(server, token: token)) }
        self.targets = targets
        self.clients = targets.map { $0.client(connections: 2, connectionWindowBytes: 16 << 20) }
    }

    /// How often a node did not answer and another one was asked.
    var detours: Int { self.asked.load(ordering: .relaxed) }

    /// Keeps connections until cancelled.
    func run() async {
        await withTaskGroup(of: Void.self) { group in
            for client in self.clients { group.addTask { await client.run() } }
        }
    }

    /// Makes a call that must succeed, at one node after the other; one that changes something has
    /// an idempotency key.
    func make(
        _ method: HTTPRequest.Method,
        _ path: String,
        _ body: JSONValue? = nil,
        key: String? = nil
    ) async throws -> JSONValue {
        let deadline = ContinuousClock.now + Self.patience
        var last = "nobody answered"
        while true {
            let index = self.turn.wrappingAdd(1, ordering: .relaxed).newValue % self.targets.count
            do {
                let (status, json) = try await self.call(index, method, path, body, key: key)
                if (200..<300).contains(status) { return json }
                last = "\(status) \(json["detail"]?.stringValue ?? "")"
                guard status >= 500 || status == 429 || status == 408 else {
                    throw LoadError("\(method.rawValue) \(path) answers \(last)")
                }
            } catch let error as HTTP2Error {
                last = error.message
            }
            self.asked.add(1, ordering: .relaxed)
            guard ContinuousClock.now < deadline else {
                throw LoadError("\(method.rawValue) \(path): \(last)")
            }
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    private func call(
        _ index: Int,
        _ method: HTTPRequest.Method,
        _ path: String,
        _ body: JSONValue?,
        key: String?
    ) async throws -> (status: Int, json: JSONValue) {
        var request = self.targets[index].request(method, path)
        if body != nil { request.headerFields[.contentType] = "application/json" }
        if let key, let name = HTTPField.Name("idempotency-key") {
            request.headerFields[name] = key
        }
        let sent = request
        return try await withThrowingTaskGroup(of: (Int, JSONValue)?.self) { group in
            group.addTask {
                let response = try await self.clients[index].send(
                    sent,
                    body: body.map { ByteBuffer(string: $0.canonicalText) },
                    timeout: Self.answerMax
                )
                var answer = ByteBuffer()
                for try await var chunk in response.body { answer.writeBuffer(&chunk) }
                let json = try? JSONValue(parsing: Array(answer.readableBytesView))
                return (response.head.status.code, json ?? .null)
            }
            group.addTask {
                // A node that is stopped after the head of its answer says nothing more.
                try await Task.sleep(for: Self.answerMax * 2)
                return nil
            }
            defer { group.cancelAll() }
            guard let first = try await group.next(), let first else {
                return (504, .null)
            }
            return first
        }
    }
}
