// The time zones that tests count with: files of the zone database, release 2025b, so that no test
// depends on the machine's.

import Foundation
public import PulserIR

/// Zone files under `Tests/Fixtures/zones`.
public enum ZoneFixtures {
    /// Names of all of them.
    public static let names = [
        "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Sao_Paulo",
        "Africa/Casablanca", "Europe/Dublin", "Pacific/Apia",
    ]

    /// What clocks change: `zone second offset`, as Python's zoneinfo says; `zone end second`.
    public static func changes() throws -> [[Substring]] {
        String(decoding: try Self.bytes("offsets.txt"), as: UTF8.self).split(separator: "\n")
            .map { $0.split(separator: " ") }
    }

    /// A zone's file.
    public static func file(_ name: String) throws -> [UInt8] {
        try Self.bytes(name.replacingOccurrences(of: "/", with: "-"))
    }

    /// A zone's rules.
    public static func zone(_ name: String) throws -> TimeZoneRules {
        try TimeZoneRules(file: try Self.file(name), name: name)
    }

    private static func bytes(_ name: String) throws -> [UInt8] {
        let tests = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        return Array(try Data(contentsOf: tests.appending(path: "Fixtures/zones/\(name)")))
    }
}
