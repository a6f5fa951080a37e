// How times, statuses and sizes read.

import Foundation
import PulserIR

enum Wording {
    /// `3.2 s`, `4 min 10 s`, `2 h 5 min`.
    static func duration(milliseconds: Int64) -> String {
        switch milliseconds {
        case ..<0: "0 ms"
        case ..<1_000: "\(milliseconds) ms"
        case ..<60_000: String(format: "%.1f s", Double(milliseconds) / 1_000)
        case ..<3_600_000: "\(milliseconds / 60_000) min \(milliseconds / 1_000 % 60) s"
        default: "\(milliseconds / 3_600_000) h \(milliseconds / 60_000 % 60) min"
        }
    }

    /// `5 min ago`.
    static func ago(_ milliseconds: Int64) -> String {
        let now = Int64(Date().timeIntervalSince1970 * 1_000)
        let age = max(0, now - milliseconds)
        switch age {
        case ..<1_000: return "now"
        case ..<60_000: return "\(age / 1_000) s ago"
        case ..<3_600_000: return "\(age / 60_000) min ago"
        case ..<86_400_000: return "\(age / 3_600_000) h ago"
        default: return "\(age / 86_400_000) d ago"
        }
    }

    /// `in 5 min`, or how long ago.
    static func ahead(_ milliseconds: Int64) -> String {
        let now = Int64(Date().timeIntervalSince1970 * 1_000)
        let rest = milliseconds - now
        switch rest {
        case ..<0: return Self.ago(milliseconds)
        case ..<60_000: return "in \(rest / 1_000) s"
        case ..<3_600_000: return "in \(rest / 60_000) min"
        case ..<172_800_000: return "in \(rest / 3_600_000) h"
        default: return "in \((rest + 43_200_000) / 86_400_000) d"
        }
    }

    /// `1.2 MiB`.
    static func size(_ bytes: Int64) -> String {
        switch bytes {
        case ..<1_024: "\(bytes) B"
        case ..<1_048_576: String(format: "%.1f KiB", Double(bytes) / 1_024)
        default: String(format: "%.1f MiB", Double(bytes) / 1_048_576)
        }
    }

    /// The sign and style of a status; the word always stands beside the sign.
    static func sign(_ status: String) -> (sign: String, style: Style) {
        switch status {
        case "succeeded", "passed", "ok", "active", "applied": ("✓", .green)
        case "failed", "timed_out", "error", "fail", "edited", "missing": ("✗", .red)
        case "running", "claimed", "intent": ("▶", .cyan)
        case "waiting", "retrying", "unknown", "warn": ("!", .yellow)
        case "cancelled": ("■", .yellow)
        case "skipped": ("−", .dim)
        default: ("·", .dim)
        }
    }

    /// A status with its sign.
    static func status(_ status: String) -> String { "\(Self.sign(status).sign) \(status)" }
}
