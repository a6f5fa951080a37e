// The client: starts the server, makes the calls of each phase, tells what they cost.

import Foundation
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import NIOCore
import NIOPosix

/// The keys of a scenario of `opsload cluster`; `actors` means nothing here.
struct GRPCScenario: Decodable, Sendable {
    struct Pace: Decodable, Sendable {
        var concurrency: Int?
        var rate: Double?

        var name: String {
            if let rate { "rate_\(Int(rate))" } else { "at_once_\(self.concurrency ?? 1)" }
        }
    }

    var name: String
    var textBytes: Int
    var phaseSeconds: Int
    var warmupSeconds: Int
    var paces: [Pace]
}

/// One measurement.
struct GRPCMeasurement {
    let scenario: GRPCScenario
    let isEager: Bool

    init(_ path: String, isEager: Bool) throws {
        guard let bytes = FileManager.default.contents(atPath: path) else {
            throw LoadError("\(path) cannot be read")
        }
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        self.scenario = try decoder.decode(GRPCScenario.self, from: bytes)
        self.isEager = isEager
    }

    /// Measures, prints, and writes what `opsload` reads.
    func run(out: String?) async throws {
        let server = try ServerProcess(isEager: self.isEager)
        var report = GRPCReport(scenario: self.scenario.name)
        do {
            try await self.measure(server, &report)
        } catch {
            server.end()
            throw error
        }
        server.end()
        report.show()
        if let out { try report.write(to: out) }
        if !report.faults.isEmpty { throw LoadError("calls failed") }
    }

    private func measure(_ server: ServerProcess, _ report: inout GRPCReport) async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let isEager = self.isEager
        let transport = try HTTP2ClientTransport.Posix(
            target: .ipv4(address: "127.0.0.1", port: server.port),
            transportSecurity: .plaintext,
            config: .defaults { if isEager { $0.connection.flushCoalescing = nil } },
            eventLoopGroup: group
        )
        report = try await withGRPCClient(transport: transport) { [report] client in
            try await self.phases(client, server.process, report)
        }
        try await group.shutdownGracefully()
    }

    private func phases(
        _ client: GRPCClient<HTTP2ClientTransport.Posix>,
        _ called: Int32,
        _ report: GRPCReport
    ) async throws -> GRPCReport {
        let load = GRPCLoad(
            client: client,
            text: String(repeating: "x", count: self.scenario.textBytes)
        )
        var report = report
        for pace in self.scenario.paces {
            if self.scenario.warmupSeconds > 0 {
                _ = await load.run(pace, seconds: self.scenario.warmupSeconds)
            }
            let before = try [ProcessTime.of(getpid()), ProcessTime.of(called)]
            let result = await load.run(pace, seconds: self.scenario.phaseSeconds)
            let after = try [ProcessTime.of(getpid()), ProcessTime.of(called)]
            report.add(pace.name, result, cpu: zip(before, after).map { $1 - $0 })
        }
        return report
    }
}

/// The server as a process of its own.
struct ServerProcess {
    private let child = Process()
    private let input = Pipe()
    let port: Int

    var process: Int32 { self.child.processIdentifier }

    init(isEager: Bool) throws {
        let output = Pipe()
        self.child.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        self.child.arguments = ["serve"] + (isEager ? ["--eager"] : [])
        self.child.standardInput = self.input
        self.child.standardOutput = output
        try self.child.run()
        let text = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
        guard let port = Int(text.trimmingCharacters(in: .whitespacesAndNewlines)), port > 0 else {
            self.child.terminate()
            throw LoadError("the server printed no port but '\(text)'")
        }
        self.port = port
    }

    /// Ends it and waits for its end.
    func end() {
        try? self.input.fileHandleForWriting.close()
        self.child.terminate()
        self.child.waitUntilExit()
    }
}

/// What a process has used so far, as the kernel tells it.
enum ProcessTime {
    /// User and system time in microseconds.
    static func of(_ process: Int32) throws -> Double {
        let text = try String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8)
        // The name stands in parentheses and may hold any letter; fields are counted behind it.
        let fields = text[(text.lastIndex(of: ")") ?? text.startIndex)...].split(separator: " ")
        guard fields.count > 13, let user = Double(fields[12]), let system = Double(fields[13])
        else { throw LoadError("/proc/\(process)/stat is odd") }
        return (user + system) * 1_000_000 / Double(sysconf(Int32(_SC_CLK_TCK)))
    }
}
