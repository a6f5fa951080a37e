// Measures what a request, a connection and a stream cost each of several servers, in turn.

import HTTP2
import HTTPTypes
import NIOCore
import Synchronization

/// A server to be measured: where it is and which process it is.
struct MeasuredServer: Sendable {
    var name: String
    var target: Target
    var process: Int32
    var path: String
}

/// The measurements of one server.
struct HTTP2Load: Sendable {
    let scenario: HTTP2Scenario
    let server: MeasuredServer

    /// CPU per request and requests a second, of one shape.
    func requests(
        _ shape: HTTP2Scenario.Shape
    ) async throws -> (cpu: Double, rate: Double, failures: [String]) {
        let counter = RequestPump.Counter()
        let clients = (0..<shape.connections).map { _ in
            self.server.target.client(connections: 1, streams: shape.streams)
        }
        return try await Self.with(clients) {
            let request = self.server.target.request(.get, self.server.path)
            for client in clients {
                RequestPump(client, request, counter).start(streams: shape.streams)
            }
            try await Task.sleep(for: .seconds(self.scenario.warmupSeconds))
            let before = try ProcessUse(of: self.server.process)
            let answers = counter.answers.load(ordering: .relaxed)
            let began = ContinuousClock.now
            try await Task.sleep(for: .seconds(self.scenario.phaseSeconds))
            let seconds = (ContinuousClock.now - began) / .seconds(1)
            let after = try ProcessUse(of: self.server.process)
            let count = Double(counter.answers.load(ordering: .relaxed) - answers)
            counter.isOn.store(false, ordering: .relaxed)
            // What is under way comes to its end before the connections do.
            for _ in 0..<100 where counter.open.load(ordering: .relaxed) > 0 {
                try await Task.sleep(for: .milliseconds(10))
            }
            guard count > 0 else {
                throw LoadError("\(self.server.name) answers nothing: \(counter.sentences)")
            }
            let cpu = (after.cpuMicroseconds - before.cpuMicroseconds) / count
            return (cpu, count / seconds, counter.sentences)
        }
    }

    /// Resident bytes of one connection that has had its answer.
    func idleConnection() async throws -> Double {
        let count = self.scenario.idleConnections
        let clients = (0..<count).map { _ in
            self.server.target.client(connections: 1, streams: 10)
        }
        return try await Self.with(clients) {
            let request = self.server.target.request(.get, self.server.path)
            // The first one pays for what all share.
            let warm = try await clients[0].send(request)
            for try await _ in warm.body {}
            let before = try ProcessUse(of: self.server.process)
            for client in clients {
                let response = try await client.send(request)
                for try await _ in response.body {}
            }
            try await Task.sleep(for: .milliseconds(500))
            let after = try ProcessUse(of: self.server.process)
            return (after.residentBytes - before.residentBytes) / Double(count)
        }
    }

    /// Resident bytes of one further stream that is held open.
    func openStream() async throws -> Double {
        let perConnection = 100
        let count = self.scenario.openStreams / perConnection * perConnection
        let clients = (0..<(count / perConnection)).map { _ in
            self.server.target.client(connections: 1, streams: perConnection + 10)
        }
        return try await Self.with(clients) {
            for client in clients {
                let response = try await client.send(
                    self.server.target.request(.get, self.server.path)
                )
                for try await _ in response.body {}
            }
            let before = try ProcessUse(of: self.server.process)
            let heads = HeadCount()
            let request = self.server.target.request(.get, "/hang")
            for client in clients {
                for _ in 0..<perConnection {
                    client.open(request, receiver: { _ in HeldStream { heads.add() } })
                }
            }
            let deadline = ContinuousClock.now + .seconds(20)
            while heads.count < count {
                guard ContinuousClock.now < deadline else {
                    throw LoadError("\(heads.count) of \(count) streams were answered")
                }
                try await Task.sleep(for: .milliseconds(10))
            }
            let after = try ProcessUse(of: self.server.process)
            return (after.residentBytes - before.residentBytes) / Double(count)
        }
    }

    private static func with<Value: Sendable>(
        _ clients: [HTTP2Client],
        _ body: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        try await withThrowingTaskGroup(of: Value?.self) { group in
            for client in clients {
                group.addTask {
                    await client.run()
                    return nil
                }
            }
            group.addTask { try await body() }
            defer { group.cancelAll() }
            while let next = try await group.next() {
                if let next { return next }
            }
            throw LoadError("the clients ended before the load did")
        }
    }
}

/// How many heads have come.
private final class HeadCount: Sendable {
    private let value = Atomic<Int>(0)

    var count: Int { self.value.load(ordering: .relaxed) }

    func add() { self.value.add(1, ordering: .relaxed) }
}
