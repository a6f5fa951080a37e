// Other programs that speak HTTP/2: whether they are here, how they are run and ended.

import Foundation
import Synchronization

/// A program or Python module that tests talk to.
public enum Peer: String, CaseIterable, Sendable {
    case nghttp
    case nghttpd
    case h2load
    case curl
    case node
    case tsc
    case java
    case pythonH2 = "python-h2"
    case pythonHTTPX = "python-httpx"
    case pythonHypercorn = "python-hypercorn"
    /// What drives a browser and judges its pages: Playwright with axe.
    case playwright
    /// Chromium or a browser made of it, that shows nothing.
    case chromium
    /// No program, but what a test of a full disk needs: a small file system that is only its own.
    case smallDisk = "small-disk"

    /// Whether the peer was declared absent by `cluster/test`, which could not install it, and is.
    public var isAbsent: Bool {
        let environment = ProcessInfo.processInfo.environment
        let absent = environment["OPSROOM_PEERS_ABSENT"]?.split(separator: " ").map(String.init)
        return absent?.contains(self.rawValue) == true && self.command == nil
    }

    /// What to say of a test that cannot be run.
    public var absence: String { "NOT VERIFIED: \(self.rawValue) is not on this machine" }

    /// The program to run and its first arguments.
    ///
    /// - Throws: ``PeerFailure`` when it is not here.
    public func required() throws -> [String] {
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
        case .nghttp, .nghttpd, .h2load, .curl, .node, .tsc:
            return Self.program(self.rawValue).map { [$0] }
        case .chromium:
            if let shell = Self.program("chromium-headless-shell") { return [shell] }
            let names = ["chromium", "chromium-browser", "google-chrome"]
            return names.lazy.compactMap { Self.program($0) }.first.map { [$0, "--headless"] }
        case .smallDisk: return Self.smallDiskCommand
        case .pythonH2: return Self.python(importing: "h2")
        case .pythonHTTPX: return Self.python(importing: "h2, httpx")
        case .pythonHypercorn: return Self.python(importing: "h2, hypercorn")
        case .playwright: return Self.python(importing: "playwright, axe_playwright_python")
        }
    }

    /// A program that starts another one where it may mount what nobody else sees.
    private static let smallDiskCommand: [String]? = {
        guard let unshare = Self.program("unshare") else { return nil }
        let process = Process()
        process.executableURL = URL(filePath: unshare)
        process.arguments = ["-m", "mount", "-t", "tmpfs", "-o", "size=1m", "small", "/mnt"]
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return nil }
        process.waitUntilExit()
        return process.terminationStatus == 0 ? [unshare, "-m"] : nil
    }()

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
public struct PeerFailure: Error, CustomStringConvertible {
    /// What it was.
    public let description: String

    /// Says what it was.
    public init(_ description: String) { self.description = description }
}

/// A running peer. It is ended with all that it started when the test is done with it.
public final class PeerProcess: Sendable {
    /// How long a peer may take to end in order before it is killed.
    private static let patience = 5.0

    private let process: Mutex<Process>
    private let ended = DispatchSemaphore(value: 0)
    private let lines: AsyncStream<String>
    private let said = Mutex("")

    /// Starts a program in a process group of its own.
    ///
    /// - Parameters:
    ///   - command: The program's path and its arguments.
    ///   - folder: Where it works; `nil` for where the test does.
    ///   - environment: What it has beside this process's environment.
    /// - Throws: When it cannot be started.
    public init(
        _ command: [String],
        in folder: String? = nil,
        environment: [String: String] = [:]
    ) throws {
        let process = Process()
        process.executableURL = URL(filePath: command[0])
        process.arguments = Array(command.dropFirst())
        if let folder { process.currentDirectoryURL = URL(filePath: folder) }
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        let output = Pipe()
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = output
        process.standardError = output
        let ended = self.ended
        process.terminationHandler = { _ in ended.signal() }
        let (lines, continuation) = AsyncStream.makeStream(of: String.self)
        self.lines = lines
        try process.run()
        self.process = Mutex(process)
        let handle = output.fileHandleForReading
        Thread.detachNewThread { [weak self] in
            var rest = Data()
            while case let data = handle.availableData, !data.isEmpty {
                rest.append(data)
                self?.note(data)
                while let end = rest.firstIndex(of: 10) {
                    continuation.yield(String(decoding: rest[..<end], as: UTF8.self))
                    rest = Data(rest[rest.index(after: end)...])
                }
            }
            if !rest.isEmpty { continuation.yield(String(decoding: rest, as: UTF8.self)) }
            continuation.finish()
        }
    }

    private func note(_ data: Data) {
        self.said.withLock {
            $0 = String(($0 + String(decoding: data, as: UTF8.self)).suffix(8_192))
        }
    }

    /// The last of what it printed so far, on either output.
    public var lastWords: String { self.said.withLock(\.self) }

    /// Whether it has not ended.
    public var isRunning: Bool { self.process.withLock(\.isRunning) }

    /// The next line that it prints.
    ///
    /// - Throws: ``PeerFailure`` when it ended.
    public func line() async throws -> String {
        var iterator = self.lines.makeAsyncIterator()
        guard let line = await iterator.next() else {
            throw PeerFailure("the peer ended without a word")
        }
        return line
    }

    /// Everything it prints to its end.
    public func output() async -> String {
        var all: [String] = []
        for await line in self.lines { all.append(line) }
        return all.joined(separator: "\n")
    }

    deinit {
        self.process.withLock { process in
            guard process.isRunning else { return process.waitUntilExit() }
            let group = process.processIdentifier
            // In order first: some have workers, files and semaphores to take away.
            kill(group, SIGTERM)
            _ = self.ended.wait(timeout: .now() + Self.patience)
            // Foundation starts every process as the leader of a group of its own.
            kill(-group, SIGKILL)
            process.waitUntilExit()
        }
    }

    /// Runs a program to its end and gives what it prints.
    ///
    /// - Parameters:
    ///   - command: The program's path and its arguments.
    ///   - folder: Where it works; `nil` for where the test does.
    /// - Returns: Both outputs, its lines joined.
    /// - Throws: When it cannot be started.
    public static func output(
        of command: [String],
        in folder: String? = nil
    ) async throws -> String {
        let process = try PeerProcess(command, in: folder)
        return await process.output()
    }
}
