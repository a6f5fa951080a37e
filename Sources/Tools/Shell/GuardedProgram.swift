// What is left of a program whose guard was killed, and how the node clears it away.

import Glibc
import PulserIR

/// A program as its guard named it: leader of a session and a group that carry its process id.
struct GuardedProgram: Sendable, Hashable {
    /// Its process id.
    var pid: Int32
    /// When it was started, in the ticks of `/proc/PID/stat`; tells it from whoever gets the same
    /// number later.
    var startTime: UInt64

    /// How long SIGKILL is repeated; what is left then, the kernel holds.
    private static let killMillisecondsMax = 5_000
    private static let pauseMicroseconds: UInt32 = 2_000

    /// A program that may be killed: process 1 and the groups 0 and -1 never are.
    init?(pid: Int32, startTime: UInt64) {
        guard pid > 1, pid != getpgrp(), pid != getsid(0), startTime > 0 else { return nil }
        self.pid = pid
        self.startTime = startTime
    }

    /// Kills its group and its session; true when nothing of them is left. Blocks for 5 s at most.
    ///
    /// A daemon that has left the session is out of reach: only the guard knew it as a descendant.
    func killEverything() -> Bool {
        for _ in 0..<(Self.killMillisecondsMax * 1_000 / Int(Self.pauseMicroseconds)) {
            if let members = self.members() {
                if members.isEmpty { return true }
                // In one call the group cannot fork away from it; members of other groups of the
                // session are found again in the next round.
                kill(-self.pid, SIGKILL)
                for member in members { kill(member, SIGKILL) }
            }
            usleep(Self.pauseMicroseconds)
        }
        return self.members()?.isEmpty ?? false
    }

    /// The living processes of its group or session; `nil` when that cannot be told now, for a node
    /// short of descriptors sees no process either.
    ///
    /// The kernel gives a number to nobody while a group or session carries it. So either the
    /// leader is still the same, or it is gone and whoever carries the number descends from it,
    /// or the number is somebody else's and nothing of the program is left.
    private func members() -> [Int32]? {
        switch ProcessRecord.read(self.pid) {
        case .found(let leader) where leader.startTime != self.startTime: return []
        case .unknown: return nil
        case .found, .gone: break
        }
        guard let directory = opendir("/proc") else { return nil }
        defer { closedir(directory) }
        var found: [Int32] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { field in
                field.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            guard let process = Int32(name) else { continue }
            switch ProcessRecord.read(process) {
            case .found(let record) where record.isRunning && record.startTime >= self.startTime:
                guard [record.group, record.session].contains(self.pid) else { continue }
                found.append(process)
            case .unknown: return nil
            case .found, .gone: continue
            }
        }
        return found
    }
}

/// What `/proc/PID/stat` says of a process.
private struct ProcessRecord {
    var isRunning: Bool
    var group: Int32
    var session: Int32
    var startTime: UInt64

    /// What a look at a process came to.
    enum Look {
        case found(ProcessRecord)
        case gone
        /// It cannot be told, as when no descriptor is free.
        case unknown
    }

    static func read(_ process: Int32) -> Look {
        let file = open("/proc/\(process)/stat", O_RDONLY | O_CLOEXEC)
        // Where others' processes are hidden, what cannot be opened is none of the program's.
        guard file >= 0 else {
            return [EMFILE, ENFILE, ENOMEM, EINTR].contains(errno) ? .unknown : .gone
        }
        defer { close(file) }
        var buffer: [UInt8] = Array(repeating: 0, count: 512)
        // A process that ends between the two calls has nothing to read.
        let count = Glibc.read(file, &buffer, buffer.count)
        return ProcessRecord(buffer[..<max(0, count)]).map { .found($0) } ?? .gone
    }

    private init?(_ buffer: ArraySlice<UInt8>) {
        // The name in parentheses may hold anything, parentheses and spaces included.
        guard let end = buffer.lastIndex(of: UInt8(ascii: ")")) else { return nil }
        // proc(5) counts from 1, and what follows the name is field 3.
        let fields = buffer[(end + 1)...].split(separator: UInt8(ascii: " "))
            .map { String(decoding: $0, as: UTF8.self) }
        guard fields.count > 19, let group = Int32(fields[2]), let session = Int32(fields[3]),
            let startTime = UInt64(fields[19])
        else { return nil }
        self.isRunning = !["Z", "X"].contains(fields[0])
        self.group = group
        self.session = session
        self.startTime = startTime
    }
}
