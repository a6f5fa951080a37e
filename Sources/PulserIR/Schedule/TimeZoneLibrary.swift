// Which time zones there are: names in, rules out, each read once.

internal import Synchronization

/// The zones that a program has asked for.
///
/// The reader is given by whoever may read files. A zone is read once: a newer zone database is used
/// from the next start on, so that a process never counts by two of them.
public final class TimeZoneLibrary: Sendable {
    /// Reads a zone's file, at most ``TimeZoneRules/fileBytesMax`` and a byte.
    public typealias Reader = @Sendable (_ name: String) throws(ScheduleError) -> [UInt8]

    /// Zones that are kept; there are about 600.
    private static let zonesMax = 1_024
    private static let nameBytesMax = 64

    private let read: Reader
    private let zones = Mutex<[String: TimeZoneRules]>([:])

    /// Makes a library.
    ///
    /// - Parameter read: Reads the file of a zone; its name has been looked at.
    public init(_ read: @escaping Reader) { self.read = read }

    /// The rules of a zone.
    ///
    /// - Parameter name: Such as `Europe/Berlin`, or `UTC`, which needs no file.
    /// - Returns: Its rules, from its file the first time.
    /// - Throws: ``ScheduleError`` when there is no such zone or no zone database.
    public func zone(_ name: String) throws(ScheduleError) -> TimeZoneRules {
        if name == "UTC" || name == "Etc/UTC" { return .utc }
        if let zone = self.zones.withLock({ $0[name] }) { return zone }
        guard Self.isName(name) else {
            throw ScheduleError(
                "'\(name.prefix(Self.nameBytesMax))' is not the name of a time zone",
                hint: "write a name of the IANA database, such as 'Europe/Berlin', or 'UTC'"
            )
        }
        let zone = try TimeZoneRules(file: try self.read(name), name: name)
        self.zones.withLock { if $0.count < Self.zonesMax { $0[name] = zone } }
        return zone
    }

    /// Words of letters, digits, `_`, `+`, `-`, between slashes: nothing that leads out of a folder.
    private static func isName(_ name: String) -> Bool {
        guard (1...Self.nameBytesMax).contains(name.utf8.count) else { return false }
        return name.split(separator: "/", omittingEmptySubsequences: false).allSatisfy { word in
            !word.isEmpty
                && word.utf8.allSatisfy { byte in
                    (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte)
                        || (0x61...0x7A).contains(byte) || [0x5F, 0x2B, 0x2D].contains(byte)
                }
        }
    }
}
