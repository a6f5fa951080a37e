// Where the time zone database lies on this machine.

import Glibc
public import PulserIR

/// The machine's time zones.
public enum ZoneFiles {
    /// Where systems keep the database, the usual place first.
    static let folders = [
        "/usr/share/zoneinfo", "/usr/lib/zoneinfo", "/usr/share/lib/zoneinfo", "/etc/zoneinfo",
    ]

    /// The zones of the machine's database.
    ///
    /// - Parameter environment: `TZDIR` names the database's folder, as for every other program.
    /// - Returns: Zones that are read when they are asked for.
    public static func library(environment: [String: String]) -> TimeZoneLibrary {
        let folders = environment["TZDIR"].map { [$0] } ?? Self.folders
        return TimeZoneLibrary { name throws(ScheduleError) in
            for folder in folders {
                if let bytes = Self.bytes(of: "\(folder)/\(name)") { return bytes }
            }
            guard folders.contains(where: { access("\($0)/Etc", F_OK) == 0 }) else {
                throw ScheduleError(
                    "there is no time zone database on this machine",
                    hint: "install tzdata, or name its folder in TZDIR, or use 'UTC'"
                )
            }
            throw ScheduleError(
                "there is no time zone '\(name)'",
                hint: "write a name of the IANA database, such as 'Europe/Berlin', or 'UTC'"
            )
        }
    }

    /// A regular file's bytes, one more than a zone may have at most.
    private static func bytes(of path: String) -> [UInt8]? {
        let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var facts = stat()
        guard fstat(file, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG else { return nil }
        var bytes = [UInt8](repeating: 0, count: TimeZoneRules.fileBytesMax + 1)
        var count = 0
        while count < bytes.count {
            let room = bytes.count - count
            let got = bytes.withUnsafeMutableBytes {
                read(file, $0.baseAddress.map { $0 + count }, room)
            }
            if got < 0, errno == EINTR { continue }
            guard got > 0 else { break }
            count += got
        }
        return Array(bytes.prefix(count))
    }
}
