// Decides whether the HTTP/2 library that this program runs with has the security fixes it counts on.

import Foundation

/// What is known about the libnghttp2 that is loaded. The library tells only its upstream version, which
/// stays the same when a distribution mends it: its package is asked instead. Pure.
struct LibraryFacts: Sendable, Hashable {
    /// The package of Debian 12 with the fixes up to CVE-2026-27135, a crash that any peer can cause.
    static let versionMin = "1.52.0-1+deb12u3"
    /// What the versions begin with that can be compared with ``versionMin``.
    static let series = "1.52.0-1"

    /// A package of the distribution.
    struct Package: Sendable, Hashable {
        var name: String
        var version: String
    }

    /// The file that is loaded; `nil` when none is found.
    var path: String?
    /// The package that brought the file, and its version; `nil` when no package is known.
    var package: Package?
    /// Whether the package's version is at least ``versionMin``; `nil` when nobody could compare.
    var isRecent: Bool?

    var finding: Doctor.Finding {
        guard let path else {
            return Self.unverified("it is part of the program; its package cannot be asked")
        }
        guard let package else {
            return Self.unverified("no package says which fixes \(path) has")
        }
        let words = "\(package.name) \(package.version)"
        guard package.version.hasPrefix(Self.series), let isRecent = self.isRecent else {
            return Self.unverified("look for CVE-2026-27135 in the changes of \(words)")
        }
        guard isRecent else {
            return Doctor.Finding(
                level: .warn,
                subject: "libnghttp2",
                message: "\(words) is older than \(Self.versionMin): a peer can crash the node "
                    + "(CVE-2026-27135)",
                fix: "apt-get install --only-upgrade \(package.name)"
            )
        }
        return Doctor.Finding(level: .ok, subject: "libnghttp2", message: words)
    }

    private static func unverified(_ reason: String) -> Doctor.Finding {
        Doctor.Finding(
            level: .warn,
            subject: "libnghttp2",
            message: "its security fixes are not verified: \(reason)"
        )
    }
}

extension Doctor {
    /// Asks the distribution about the libnghttp2 that this process has loaded.
    func library() async -> Finding {
        var facts = LibraryFacts()
        facts.path = Self.loaded("libnghttp2.so")
        if let path = facts.path { facts.package = await Self.package(of: path) }
        if let version = facts.package?.version {
            let words = ["--compare-versions", version, "ge", LibraryFacts.versionMin]
            facts.isRecent = await Command.run("dpkg", words).isSuccess
        }
        return facts.finding
    }

    /// The file of a library that is mapped into this process.
    private static func loaded(_ name: String) -> String? {
        guard let file = FileHandle(forReadingAtPath: "/proc/self/maps") else { return nil }
        var maps = Data()
        // The kernel gives a page at a time.
        while let piece = try? file.read(upToCount: 65_536), !piece.isEmpty { maps += piece }
        return String(decoding: maps, as: UTF8.self).split(separator: "\n").lazy
            .compactMap { line in line.firstIndex(of: "/").map { String(line[$0...]) } }
            .first { $0.contains("/" + name) }
    }

    private static func package(of path: String) async -> LibraryFacts.Package? {
        // `libnghttp2-14:amd64: /usr/lib/…`
        let owner = await Command.run("dpkg-query", ["-S", path])
        guard owner.isSuccess, let name = owner.output.split(separator: ":").first else {
            return nil
        }
        let shown = await Command.run("dpkg-query", ["-W", "-f", "${Version}\\n", String(name)])
        guard shown.isSuccess, let version = shown.output.split(separator: "\n").first else {
            return nil
        }
        return LibraryFacts.Package(name: String(name), version: String(version))
    }
}
