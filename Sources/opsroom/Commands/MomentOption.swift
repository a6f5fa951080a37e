// Moments on the command line: by the clock, or as a length of time from now on or ago.

import ArgumentParser
import Foundation
import Gateway

/// `2026-11-20T12:00:00Z`, milliseconds since 1970, or what a duration leads to.
struct MomentOption: Sendable {
    /// Milliseconds since 1970.
    let milliseconds: Int64

    /// A moment, or how long ago it was.
    static func past(_ text: String) throws -> MomentOption {
        if let ago = DurationOption(argument: text) {
            return MomentOption(milliseconds: max(0, Self.now - ago.milliseconds))
        }
        return try Self.read(text, or: "24h for a day ago")
    }

    /// A moment by the clock alone.
    static func clock(_ text: String) throws -> MomentOption { try Self.read(text, or: nil) }

    /// How long until then; 0 when it has passed.
    var fromNowMilliseconds: Int64 { max(0, self.milliseconds - Self.now) }

    private static var now: Int64 { Int64(Date().timeIntervalSince1970 * 1_000) }

    private static func read(_ text: String, or other: String?) throws -> MomentOption {
        if let time = try? RunFilterReader.time("", text) {
            return MomentOption(milliseconds: time)
        }
        let forms = ["2026-11-20T12:00:00Z", other].compactMap { $0 }.joined(separator: ", or ")
        throw ValidationError("write a time as \(forms)")
    }
}
