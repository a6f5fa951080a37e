// What the operating system says of this process, under the names every dashboard knows.

import FoundationEssentials
import Glibc

/// Processor time, memory and descriptors of this process.
enum ProcessNumbers {
    /// The lines of `/metrics`.
    static func text() -> String {
        var text = ""
        var usage = rusage()
        if getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage) == 0 {
            let seconds = [usage.ru_utime, usage.ru_stime].map {
                Double($0.tv_sec) + Double($0.tv_usec) / 1e6
            }
            text += MetricsText.line("process_cpu_seconds_total", "counter", seconds.reduce(0, +))
        }
        if let bytes = FileManager.default.contents(atPath: "/proc/self/statm") {
            let pages = String(decoding: bytes, as: UTF8.self).split(separator: " ")
                .compactMap { Double($0) }
            if pages.count > 1 {
                let size = Double(sysconf(Int32(_SC_PAGESIZE)))
                text += MetricsText.line("process_resident_memory_bytes", "gauge", pages[1] * size)
            }
        }
        if let open = try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd") {
            text += MetricsText.line("process_open_fds", "gauge", Double(open.count))
        }
        return text
    }
}
