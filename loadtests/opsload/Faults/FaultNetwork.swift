// Decides which nodes of a campaign reach each other.

import Glibc
import Synchronization

/// A line to each node, on which all others call it.
///
/// Who calls is told by the socket's process: so a node is cut off in both directions, and the others go
/// on talking to each other.
final class FaultNetwork: Sendable {
    private let lines: [String: FaultLine]
    private let processes: Processes

    /// The nodes' processes as they are now.
    private final class Processes: Sendable {
        private let byName = Mutex<[String: pid_t]>([:])

        func set(_ name: String, _ process: pid_t?) {
            self.byName.withLock { $0[name] = process }
        }

        func name(ofCaller port: Int, line: Int) -> String? {
            let known = self.byName.withLock(\.self)
            guard let socket = LoopbackSocket.inode(port: port, to: line) else { return nil }
            return known.first { LoopbackSocket.has($0.value, socket) }?.key
        }
    }

    /// Makes a line to each node; nobody listens on it before its node is up.
    ///
    /// - Parameter ports: Where each node listens.
    /// - Throws: ``LoadError`` when there are no free ports.
    init(_ ports: [String: Int]) async throws {
        let processes = Processes()
        var lines: [String: FaultLine] = [:]
        for (name, port) in ports {
            lines[name] = try await FaultLine(to: .port(port)) {
                processes.name(ofCaller: $0, line: $1)
            }
        }
        self.lines = lines
        self.processes = processes
        for line in lines.values { try await line.become(.refusing) }
    }

    /// Where others call a node.
    func port(of node: String) -> Int? { self.lines[node]?.port }

    /// A node's process has begun.
    func began(_ node: String, _ process: pid_t) async throws {
        self.processes.set(node, process)
        try await self.lines[node]?.become(.open)
    }

    /// A node's process has ended: as without a line, nobody listens at its address.
    func ended(_ node: String) async throws {
        self.processes.set(node, nil)
        try await self.lines[node]?.become(.refusing)
    }

    /// Changes what passes between a node and all others, both ways.
    func isolate(_ node: String, _ mode: FaultLine.Mode) async throws {
        try await self.lines[node]?.become(mode)
        for (name, line) in self.lines where name != node {
            try await line.become(mode, for: node)
        }
    }

    /// Ends the lines.
    func close() async { for line in self.lines.values { await line.close() } }
}

/// What the kernel tells of connections over loopback.
enum LoopbackSocket {
    /// The number of the socket with this port that is connected to another port.
    static func inode(port: Int, to other: Int) -> Substring? {
        let (own, peer) = (Self.address(port), Self.address(other))
        for line in (TextFile.read("/proc/net/tcp") ?? "").split(separator: "\n") {
            let fields = line.split(separator: " ", maxSplits: 10)
            if fields.count > 9, fields[1] == own, fields[2] == peer { return fields[9] }
        }
        return nil
    }

    /// Whether a process has the socket open.
    static func has(_ process: pid_t, _ inode: Substring) -> Bool {
        guard let folder = opendir("/proc/\(process)/fd") else { return false }
        defer { closedir(folder) }
        var target = [CChar](repeating: 0, count: 64)
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) {
                    String(cString: $0)
                }
            }
            let path = "/proc/\(process)/fd/\(name)"
            let count = readlink(path, &target, target.count)
            guard count > 0 else { continue }
            let text = String(
                decoding: target.prefix(count).map { UInt8(bitPattern: $0) },
                as: UTF8.self
            )
            if text == "socket:[\(inode)]" { return true }
        }
        return false
    }

    /// As the kernel writes it: bytes of the address in this machine's order, then the port.
    private static func address(_ port: Int) -> String {
        let digits = String(port, radix: 16, uppercase: true)
        return "0100007F:" + String(repeating: "0", count: 4 - digits.count) + digits
    }
}
