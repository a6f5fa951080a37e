// Which module may import which: the one table. Package.swift and Sources/README.md repeat it, imports keep to it.

/// The arrows between modules, and from modules to libraries.
enum ModuleTable {
    /// A module, and what its row allows it to import.
    static let arrows: [String: Set<String>] = [
        "PulserIR": ["Crypto"],
        "Compiler": ["PulserIR", "Yams"],
        "StateMachines": ["PulserIR"],
        "CLibpq": [],
        "Postgres": ["CLibpq", "DequeModule", "Logging", "Metrics"],
        "Store": ["PulserIR", "Postgres", "Logging", "Metrics"],
        "CNghttp2": [],
        "HTTP2": [
            "CNghttp2", "HTTPTypes", "Logging", "Metrics", "NIOCore", "NIOHTTP1", "NIOHTTPTypes",
            "NIOHTTPTypesHTTP1", "NIOPosix", "NIOSSL", "NIOTLS", "SwiftASN1", "X509",
        ],
        "Cluster": [
            "PulserIR", "StateMachines", "Store", "HTTP2", "HTTPTypes", "Logging", "Metrics",
            "NIOCore",
            "NIOPosix",
        ],
        "Gateway": [
            "PulserIR", "Compiler", "StateMachines", "Store", "HTTP2", "Cluster", "Crypto",
            "HTTPTypes", "Hummingbird", "Logging", "Metrics", "NIOCore", "NIOEmbedded",
            "NIOHTTP1", "NIOHTTPCompression", "NIOPosix",
        ],
        "opsroom-guard": [],
        "Tools": [
            "PulserIR", "Postgres", "AsyncHTTPClient", "Crypto", "Logging", "NIOCore", "NIOHTTP1",
            "Subprocess", "SystemPackage",
        ],
        "Execution": [
            "PulserIR", "StateMachines", "Store", "Cluster", "Tools", "Logging", "Metrics",
            "NIOCore",
        ],
        "ControlRoom": [
            "PulserIR", "Compiler", "StateMachines", "Postgres", "Store", "Tools", "Execution",
            "Cluster", "HTTP2", "Gateway", "AsyncHTTPClient", "Crypto", "Logging", "Metrics",
            "NIOCore",
            "NIOPosix", "Subprocess", "SwiftASN1", "TOMLKit", "X509",
        ],
        // Does not import the guard: it is built beside the program, which starts it.
        "opsroom": [
            "PulserIR", "Compiler", "StateMachines", "Store", "ControlRoom", "Gateway",
            "HTTP2", "opsroom-guard", "ArgumentParser", "HTTPTypes", "Logging", "NIOCore",
            "NIOPosix",
        ],
        "opsload": [
            "PulserIR", "StateMachines", "Store", "HTTP2", "Cluster", "ControlRoom", "Postgres",
            "ArgumentParser", "HTTPTypes", "Histogram", "Logging", "NIOCore", "NIOHPACK",
            "NIOHTTP2", "NIOPosix",
        ],
    ]

    /// What comes with the toolchain.
    static let toolchain: Set<String> = [
        "Dispatch", "Distributed", "FoundationEssentials", "Glibc", "Swift",
        "Synchronization",
    ]

    /// The modules at the edge, which may use all of Foundation.
    static let foundationUsers: Set<String> = ["ControlRoom", "opsroom", "WebUI"]

    /// C libraries, and the one module that may see each.
    static let wrappers = ["CLibpq": "Postgres", "CNghttp2": "HTTP2"]

    /// The modules that the table under `| module | … | may import |` lists: the name in the first
    /// cell, the arrows in the third.
    static func rows(inMarkdown text: String) -> [String: Set<String>] {
        var rows: [String: Set<String>] = [:]
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        let table = lines.drop { !$0.hasPrefix("| module |") || !$0.hasSuffix("| may import |") }
        for line in table.prefix(while: { $0.hasPrefix("|") }) where line.hasPrefix("| `") {
            let cells = line.split(separator: "|").map { Self.names(in: $0) }
            if cells.count == 3, let name = cells[0].first { rows[name] = Set(cells[2]) }
        }
        return rows
    }

    private static func names(in cell: Substring) -> [String] {
        cell.split(separator: "`", omittingEmptySubsequences: false).enumerated()
            .filter { !$0.offset.isMultiple(of: 2) }
            .map { String($0.element) }
    }
}
