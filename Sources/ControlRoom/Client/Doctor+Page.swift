// What a doctor finds about the web page: its files, and those of the distribution that it uses.

import Foundation
import Gateway

extension Doctor {
    /// Looks for the page's files and for the packages that bring others.
    func page() -> [Finding] {
        let environment = self.room.configuration.environment
        let missing = VendorFile.all.filter { file in
            !file.paths.contains { FileManager.default.isReadableFile(atPath: $0) }
        }
        return [
            Self.folder(PageFolder.find(environment: environment), environment),
            Self.packages(missing),
        ]
    }

    /// What is said of the folder.
    static func folder(_ folder: PageFolder?, _ environment: [String: String]) -> Finding {
        if let folder { return Finding(level: .ok, subject: "page", message: folder.path) }
        let named = environment[PageFolder.overrideKey].flatMap { $0.isEmpty ? nil : $0 }
        return Finding(
            level: .warn,
            subject: "page",
            message: (named.map { "\($0) has no index.html" }
                ?? "its files are not found near the program") + ": a node serves the API alone",
            fix: "\(PageFolder.overrideKey)=/path/to/page opsroom up"
        )
    }

    /// What is said of files that are not installed.
    static func packages(_ missing: [VendorFile]) -> Finding {
        guard !missing.isEmpty else {
            return Finding(
                level: .ok,
                subject: "page packages",
                message: "all \(VendorFile.all.count) are installed"
            )
        }
        let packages = missing.map(\.package).joined(separator: " ")
        return Finding(
            level: .warn,
            subject: "page packages",
            message: missing.map { "without \($0.package) \($0.without)" }.joined(separator: "; "),
            fix: "apt-get install --no-install-recommends \(packages)"
        )
    }
}
