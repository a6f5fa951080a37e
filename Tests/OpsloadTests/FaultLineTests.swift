// Decides what passes between nodes and their database while the harness has the line open, refused or silent.

import Glibc
import TestKit
import Testing

@testable import opsload

@Suite("Lines", .timeLimit(.minutes(1)))
struct FaultLineTests {
    /// A server on a unix socket that sends back whatever comes, one thread a connection.
    private final class Echo: Sendable {
        let path: String
        private let folder: String
        private let listener: Int32

        init() throws {
            var template = Array("/tmp/ocr-XXXXXX".utf8CString)
            _ = mkdtemp(&template)
            let folder = String(
                decoding: template.dropLast().map { UInt8(bitPattern: $0) },
                as: UTF8.self
            )
            self.folder = folder
            self.path = folder + "/s"
            self.listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            withUnsafeMutableBytes(of: &address.sun_path) { bytes in
                bytes.copyBytes(from: Array(self.path.utf8))
            }
            let size = socklen_t(MemoryLayout<sockaddr_un>.size)
            let bound = withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(self.listener, $0, size)
                }
            }
            guard bound == 0, listen(self.listener, 64) == 0 else {
                throw NeverHappened(description: "an echo server listens")
            }
            let listener = self.listener
            EchoThread.start {
                while true {
                    let peer = accept(listener, nil, nil)
                    guard peer >= 0 else { return }
                    EchoThread.start {
                        var bytes = [UInt8](repeating: 0, count: 65_536)
                        while true {
                            let count = read(peer, &bytes, bytes.count)
                            guard count > 0 else { break }
                            var sent = 0
                            while sent < count {
                                let part = write(peer, Array(bytes[sent..<count]), count - sent)
                                guard part > 0 else { break }
                                sent += part
                            }
                        }
                        close(peer)
                    }
                }
            }
        }

        func end() {
            shutdown(self.listener, Int32(SHUT_RDWR))
            close(self.listener)
            unlink(self.path)
            rmdir(self.folder)
        }
    }

    /// A client whose reads do not wait.
    private final class Client: Sendable {
        private let socket: Int32

        init(port: Int) throws {
            self.socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = in_port_t(port).bigEndian
            address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
            let size = socklen_t(MemoryLayout<sockaddr_in>.size)
            let done = withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    connect(self.socket, $0, size)
                }
            }
            guard done == 0 else { throw NeverHappened(description: "it connected") }
        }

        deinit { close(self.socket) }

        func send(_ text: String) {
            _ = Glibc.send(self.socket, text, text.utf8.count, Int32(MSG_NOSIGNAL))
        }

        /// What came since; `nil` when the connection has ended.
        func take() -> String? {
            var bytes = [UInt8](repeating: 0, count: 65_536)
            let count = recv(self.socket, &bytes, bytes.count, Int32(MSG_DONTWAIT))
            if count > 0 { return String(decoding: bytes.prefix(count), as: UTF8.self) }
            return count < 0 && errno == EAGAIN ? "" : nil
        }

        func expect(_ text: String) async throws {
            var got = ""
            try await eventually("'\(text)' came") {
                got += self.take() ?? ""
                return got == text
            }
        }
    }

    private static func with(
        _ body: (FaultLine) async throws -> Void
    ) async throws {
        let echo = try Echo()
        defer { echo.end() }
        let line = try await FaultLine(to: .socket(echo.path))
        do {
            try await body(line)
        } catch {
            await line.close()
            throw error
        }
        await line.close()
    }

    @Test(
        "what is sent while the line is silent arrives when it is open, on old and new connections"
    )
    func silent() async throws {
        try await Self.with { line in
            for round in 1...20 {
                let old = try Client(port: line.port)
                old.send("a")
                try await old.expect("a")
                try await line.become(.silent)
                for piece in 1...5 { old.send("b\(round)\(piece);") }
                let new = try Client(port: line.port)
                new.send("c\(round)")
                #expect(new.take() == "")
                try await line.become(.open)
                try await old.expect((1...5).map { "b\(round)\($0);" }.joined())
                try await new.expect("c\(round)")
            }
        }
    }

    @Test("a node cut from its peers reaches nobody and is reached by nobody; the others go on")
    func isolation() async throws {
        try await Self.with { echo in
            // This process calls in the name of one of them.
            let network = try await FaultNetwork(["a": echo.port, "b": echo.port, "c": echo.port])
            let port = try #require(network.port(of: "b"))
            // A program that is being started elsewhere may hold the socket until it runs.
            try await eventually("nobody listens yet") { (try? Client(port: port)) == nil }
            try await network.began("a", getpid())
            try await network.began("b", 1)
            let call = try Client(port: port)
            call.send("a")
            try await call.expect("a")
            try await network.isolate("c", .refusing)
            call.send("b")
            try await call.expect("b")
            try await network.isolate("a", .silent)
            call.send("c")
            #expect(call.take() == "")
            try await network.isolate("a", .open)
            try await call.expect("c")
            try await network.isolate("a", .refusing)
            try await eventually("the call ended") { call.take() == nil }
            let refused = try Client(port: port)
            try await eventually("a new one ends") { refused.take() == nil }
            try await network.isolate("a", .open)
            let again = try Client(port: port)
            again.send("d")
            try await again.expect("d")
            try await network.ended("b")
            try await eventually("nobody listens") { (try? Client(port: port)) == nil }
            await network.close()
        }
    }

    @Test("a line that refuses ends connections; afterwards new ones work")
    func refusing() async throws {
        try await Self.with { line in
            let old = try Client(port: line.port)
            old.send("a")
            try await old.expect("a")
            try await line.become(.refusing)
            try await eventually("the old one ended") { old.take() == nil }
            try await eventually("nobody listens") { (try? Client(port: line.port)) == nil }
            try await line.become(.open)
            let new = try Client(port: line.port)
            new.send("b")
            try await new.expect("b")
        }
    }
}

/// Threads for what blocks.
private enum EchoThread {
    private final class Box {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }

    static func start(_ body: @escaping @Sendable () -> Void) {
        var thread = pthread_t()
        let box = Unmanaged.passRetained(Box(body))
        let code = pthread_create(
            &thread,
            nil,
            { pointer in
                guard let pointer else { return nil }
                Unmanaged<Box>.fromOpaque(pointer).takeRetainedValue().body()
                return nil
            },
            box.toOpaque()
        )
        if code == 0 { pthread_detach(thread) } else { box.release() }
    }
}
