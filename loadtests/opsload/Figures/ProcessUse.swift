// What a process has used so far, as the kernel tells it.

import FoundationEssentials
import Glibc
import PulserIR

/// CPU time and memory of one process.
struct ProcessUse: Sendable, Hashable {
    /// User and system time since its start.
    var cpuMicroseconds: Double
    /// The same of its children that have ended.
    var endedMicroseconds: Double
    /// Resident memory.
    var residentBytes: Double

    /// Looks at a process.
    ///
    /// - Throws: When there is no such process.
    init(of process: Int32) throws(LoadError) {
        let stat = Self.text("/proc/\(process)/stat")
        let status = Self.text("/proc/\(process)/status")
        guard let stat, let status else { throw LoadError("there is no process \(process)") }
        try self.init(stat: stat, status: status, ticksPerSecond: sysconf(Int32(_SC_CLK_TCK)))
    }

    /// Reads what `/proc/<pid>/stat` and `/proc/<pid>/status` say.
    init(stat: String, status: String, ticksPerSecond: Int) throws(LoadError) {
        // The name stands in parentheses and may hold any letter; fields are counted behind it.
        guard let end = stat.lastIndex(of: ")") else { throw LoadError("/proc/…/stat is odd") }
        let fields = stat[stat.index(after: end)...].split(separator: " ")
        guard fields.count > 14, let user = Double(fields[11]), let system = Double(fields[12]),
            let endedUser = Double(fields[13]), let endedSystem = Double(fields[14])
        else { throw LoadError("/proc/…/stat is odd") }
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
        let words = line?.split(whereSeparator: { $0 == " " || $0 == "\t" }) ?? []
        guard words.count > 1, let kibibytes = Double(words[1]) else {
            throw LoadError("/proc/…/status has no VmRSS")
        }
        self.cpuMicroseconds = (user + system) * 1_000_000 / Double(ticksPerSecond)
        self.endedMicroseconds =
            (endedUser + endedSystem) * 1_000_000 / Double(ticksPerSecond)
        self.residentBytes = kibibytes * 1_024
    }

    private static func text(_ path: String) -> String? {
        guard let file = fopen(path, "r") else { return nil }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 16_384)
        let count = fread(&bytes, 1, bytes.count, file)
        return String(decoding: bytes.prefix(count), as: UTF8.self)
    }

    /// The process that a node's data directory names.
    static func node(data: String) throws(LoadError) -> Int32 {
        guard let bytes = FileManager.default.contents(atPath: "\(data)/node.json"),
            let json = try? JSONValue(parsing: Array(bytes)), let pid = json["pid"]?.integerValue
        else { throw LoadError("\(data)/node.json names no process: is the node running?") }
        return Int32(clamping: pid)
    }
}
