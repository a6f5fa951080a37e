// Rules about imports: arrows of the table, no Foundation inside, C in its wrapper.

extension Rule {
    /// The graph of modules is the table's.
    static let arrows = Rule(
        title: "a module imports only what its row of the table names",
        folders: ["Sources"],
        violations: [
            Sample("import Store", at: "Sources/Compiler/Sample.swift"),
            Sample("public import PulserIR", at: "Sources/Postgres/Sample.swift"),
            Sample("@testable import Execution", at: "Sources/Store/Sample.swift"),
            Sample("import struct Logging.Logger", at: "Sources/PulserIR/Sample.swift"),
            Sample("import Store", at: "Sources/Unknown/Sample.swift"),
        ],
        allowed: [
            Sample("public import PulserIR\nimport Yams", at: "Sources/Compiler/Sample.swift"),
            Sample("@preconcurrency import Glibc", at: "Sources/PulserIR/Sample.swift"),
            Sample("// import Store", at: "Sources/Compiler/Sample.swift"),
        ]
    ) { file in
        guard let row = ModuleTable.arrows[file.module] else {
            return [file.finding(1, "give module '\(file.module)' a row in ModuleTable.swift")]
        }
        let allowed = row.union(ModuleTable.toolchain).union(["Foundation"])
        return file.imports.filter { !allowed.contains($0.name) }.map { name, line in
            file.finding(line, "'\(file.module)' may not import '\(name)': see Sources/README.md")
        }
    }

    /// Foundation is large; only the edge pays for it.
    static let foundation = Rule(
        title: "Foundation stays at the edge",
        folders: ["Sources"],
        violations: [
            Sample("import Foundation"), Sample("internal import class Foundation.Bundle"),
        ],
        allowed: [
            Sample("import FoundationEssentials"),
            Sample("import Foundation", at: "Sources/ControlRoom/Sample.swift"),
        ]
    ) { file in
        guard !ModuleTable.foundationUsers.contains(file.module) else { return [] }
        return file.imports.filter { $0.name == "Foundation" }.map { _, line in
            file.finding(line, "use FoundationEssentials, or leave it to ControlRoom")
        }
    }

    /// Nobody else sees a C type.
    static let wrappers = Rule(
        title: "a C library is seen by its wrapper only",
        violations: [
            Sample("import CLibpq"),
            Sample("internal import CNghttp2", at: "Sources/Postgres/Sample.swift"),
            Sample("import CLibpq", at: "Tests/StoreTests/Sample.swift"),
        ],
        allowed: [
            Sample("internal import CLibpq", at: "Sources/Postgres/Sample.swift"),
            Sample("import Compiler"),
        ]
    ) { file in
        file.imports.compactMap { name, line in
            guard let wrapper = ModuleTable.wrappers[name], wrapper != file.module else {
                return nil
            }
            return file.finding(line, "use '\(wrapper)', which wraps '\(name)'")
        }
    }
}

extension SourceFile {
    /// The imported modules and the lines of their imports, from 1.
    var imports: [(name: String, line: Int)] {
        let pattern =
            /^\s*(?:@\w+(?:\([^)]*\))?\s+)*(?:(?:public|package|internal|fileprivate|private)\s+)?import\s+(?:(?:class|enum|func|let|protocol|struct|typealias|var)\s+)?(\w+)/
        return self.code.enumerated().compactMap { offset, line in
            line.prefixMatch(of: pattern).map { (String($0.output.1), offset + 1) }
        }
    }
}
