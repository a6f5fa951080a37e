// Other programs that speak HTTP/2: whether they are here, how they are run and ended.

import Foundation
import Synchronization
import Testing

/// A program or Python module that tests talk to.
enum Peer: String, CaseIterable, Sendable {
    case nghttp
    case nghttpd
    case h2load
    case curl
    case node
    case java
    case pythonH2 = "python-h2"
    case pythonHTTPX = "python-httpx"
    case pythonHypercorn = "python-hypercorn"

    /// Whether the peer was declared absent by `cluster/test`, which could not install it, and is.
    var isAbsent: Bool {
        let environment = ProcessInfo.processInfo.environment
        let absent = environment["OPSROOM_PEERS_ABSENT"]?.split(separator: " ").map(String.init)
        return absent?.contains(self.rawValue) == true && self.command == nil
    }

    /// What to say of a test that cannot be run.
    var notVerified: Comment {
        Comment(rawValue: "NOT VERIFIED: \(self.rawValue) is not on this machine")
    }

    /// The program to run and its first arguments; fails the test when it is not here.
    func required() throws -> [String] {
        guard let command = self.command else {
            throw PeerFailure(
                "\(self.rawValue) is not installed: run the tests by cluster/test, which installs it "
                    + "or says what cannot be verified here"
            )
        }
        return command
    }

    private var command: [String]? {
        switch self {
        case .java:
            // Without this file Java starts, but knows no TLS.
            guard let java = Self.program("java") else { return nil }
            let home = URL(filePath: java).resolvingSymlinksInPath().deletingLastPathComponent()
                .deletingLastPathComponent()
            let security = home.appending(path: "conf/security/java.security").path
            return FileManager.default.fileExists(atPath: security) ? [java] : nil
        case .nghttp, .nghttpd, .h2load, .curl, .node:
            return Self.program(self.rawValue).map { [$0] }
        case .pythonH2: return Self.python(importing: "h2")
        case .pythonHTTPX: return Self.python(importing: "h2, httpx")
        case .pythonHypercorn: return Self.python(importing: "h2, hypercorn")
        }
    }

    private static func program(_ name: String) -> String? {
        if name.contains("/") {
            return FileManager.default.isExecutableFile(atPath: name) ? name : nil
        }
        let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
        return path.split(separator: ":").map { "\($0)/\(name)" }
            .first { FileManager.default.isExecutableFile(atPath: $0) }
    }

    private static func python(importing modules: String) -> [String]? {
        let named = ProcessInfo.processInfo.environment["OPSROOM_PEERS_PYTHON"]
        for name in [named, "python3"].compactMap({ $0 }) {
            guard let path = Self.program(name) else { continue }
            let process = Process()
            process.executableURL = URL(filePath: path)
            process.arguments = ["-c", "import \(modules)"]
            process.standardOutput = FileHandle.nullDevice
            process.standardError = FileHandle.nullDevice
            guard (try? process.run()) != nil else { continue }
            process.waitUntilExit()
            if process.terminationStatus == 0 { return [path] }
        }
        return nil
    }
}

/// What a peer did wrong.
struct PeerFailure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

/// A running peer. It is killed when the test is done with it.
final class PeerProcess: Sendable {
    private let process: Mutex<Process>
    private let lines: AsyncStream<String>

    /// Starts a program.
    init(_ command: [String], in folder: String? = nil) throws {
        let process = Process()
        process.executableURL = URL(filePath: command[0])
        process.arguments = Array(command.dropFirst())
        if let folder { process.currentDirectoryURL = URL(filePath: folder) }
        let output = Pipe()
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = output
        process.standardError = output
        let (lines, continuation) = AsyncStream.makeStream(of: String.self)
        self.lines = lines
        try process.run()
        let handle = output.fileHandleForReading
        Thread.detachNewThread {
            var rest = Data()
            while case let data = handle.availableData, !data.isEmpty {
                rest.append(data)
                while let end = rest.firstIndex(of: 10) {
                    continuation.yield(String(decoding: rest[..<end], as: UTF8.self))
                    rest = Data(rest[rest.index(after: end)...])
                }
            }
            if !rest.isEmpty { continuation.yield(String(decoding: rest, as: UTF8.self)) }
            continuation.finish()
        }
        self.process = Mutex(process)
    }

    /// The next line that it prints.
    func line() async throws -> String {
        var iterator = self.lines.makeAsyncIterator()
        guard let line = await iterator.next() else {
            throw PeerFailure("the peer ended without a word")
        }
        return line
    }

    /// Everything it prints to its end.
    func output() async -> String {
        var all: [String] = []
        for await line in self.lines { all.append(line) }
        return all.joined(separator: "\n")
    }

    deinit {
        self.process.withLock { process in
            if process.isRunning { kill(process.processIdentifier, SIGKILL) }
            process.waitUntilExit()
        }
    }

    /// Runs a program to its end and gives what it prints.
    static func output(of command: [String], in folder: String? = nil) async throws -> String {
        let process = try PeerProcess(command, in: folder)
        return await process.output()
    }
}
