// Who descends from the guard: daemons that left their group or session included.

import Glibc

/// The processes below this one.
///
/// Parents are read from `/proc/PID/stat`. A process that outlives its parent becomes a child of
/// the guard (a subreaper), so nothing below ever leaves the tree.
enum ProcessTree {
    /// Sends `signal` to every descendant.
    static func signalAll(_ signal: Int32) {
        for process in Self.descendants() { kill(process, signal) }
    }

    /// All living descendants, children before grandchildren.
    static func descendants() -> [pid_t] {
        var children: [pid_t: [pid_t]] = [:]
        for (process, parent) in Self.parents() { children[parent, default: []].append(process) }
        var found: [pid_t] = []
        var open = [getpid()]
        while let parent = open.popLast() {
            let below = children[parent] ?? []
            found += below
            open += below
        }
        return found
    }

    private static func parents() -> [(process: pid_t, parent: pid_t)] {
        guard let directory = opendir("/proc") else { return [] }
        defer { closedir(directory) }
        var pairs: [(pid_t, pid_t)] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { field in
                field.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            guard let process = pid_t(name), let parent = Self.parent(of: process) else { continue }
            pairs.append((process, parent))
        }
        return pairs
    }

    /// When the process was started, in ticks since the machine's start: field 22.
    static func startTime(of process: pid_t) -> UInt64? {
        Self.field(22, of: process).flatMap { UInt64($0) }
    }

    private static func parent(of process: pid_t) -> pid_t? {
        Self.field(4, of: process).flatMap { pid_t($0) }
    }

    /// A field of `PID (name) state PPID …`, by proc(5)'s number, from the third on; the name may
    /// hold anything, `)` included.
    private static func field(_ number: Int, of process: pid_t) -> String? {
        let file = open("/proc/\(process)/stat", O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var buffer: [UInt8] = Array(repeating: 0, count: 512)
        let count = read(file, &buffer, buffer.count)
        guard count > 0, let end = buffer[..<count].lastIndex(of: UInt8(ascii: ")")) else {
            return nil
        }
        let fields = buffer[(end + 1)..<count].split(separator: UInt8(ascii: " "))
        guard fields.indices.contains(number - 3) else { return nil }
        return String(decoding: fields[number - 3], as: UTF8.self)
    }
}
