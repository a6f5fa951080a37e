// The wall clock, for ranges that a person means.

import FoundationEssentials

enum RunClock {
    /// Milliseconds since 1970.
    static func milliseconds() -> Int64 { Int64(Date().timeIntervalSince1970 * 1_000) }
}
