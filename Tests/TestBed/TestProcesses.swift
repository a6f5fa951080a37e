// Decides how processes that a test starts end with the test process, however that ends.

import Foundation

/// Processes of tests.
public enum TestProcesses {
    /// Kills `process` when this process ends, unless it has ended by then.
    public static func killAtExit(_ process: Int32) {
        guard let start = Self.startTime(of: process) else { return }
        Watchdog.shared.tell("end \(process):\(start)")
    }

    /// The 22nd field of `/proc/PID/stat`; the name before it may hold anything.
    private static func startTime(of process: Int32) -> Substring? {
        guard let data = FileManager.default.contents(atPath: "/proc/\(process)/stat") else {
            return nil
        }
        let text = String(decoding: data, as: UTF8.self)
        guard let end = text.lastIndex(of: ")") else { return nil }
        let fields = text[text.index(after: end)...].split(separator: " ")
        return fields.count > 19 ? fields[19] : nil
    }
}
