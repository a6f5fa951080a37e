// The table of modules, Package.swift and Sources/README.md say the same.

import Testing

@Suite("Module table")
struct ModuleTests {
    @Test("Package.swift declares exactly the table's arrows")
    func manifest() {
        let targets = Manifest(Repository.text("Package.swift")).targets
        report(Self.differences(from: targets, in: "Package.swift"))
    }

    @Test("Sources/README.md lists exactly the table's arrows")
    func page() {
        let rows = ModuleTable.rows(inMarkdown: Repository.text("Sources/README.md"))
        let targets = rows.map {
            Manifest.Target(name: $0.key, line: 1, isModule: true, dependencies: $0.value)
        }
        report(Self.differences(from: targets, in: "Sources/README.md"))
    }

    @Test("the tests of a target import only what Package.swift declares for it")
    func testImports() {
        let targets = Manifest(Repository.text("Package.swift")).targets.filter { !$0.isModule }
        #expect(targets.count > 4)
        let declared = Dictionary(
            targets.map { ($0.name, $0.dependencies) },
            uniquingKeysWith: { first, _ in first }
        )
        for file in Repository.swiftFiles where file.path.hasPrefix("Tests/") {
            report(Self.undeclaredImports(of: file, declared))
        }
    }

    @Test("a missing, a superfluous and an unknown arrow are found")
    func samples() {
        let targets = Manifest(
            """
            let yams = Target.Dependency.product(name: "Yams", package: "Yams")
            let package = Package(
                targets: [
                    .target(name: "PulserIR", dependencies: [.product(name: "Crypto", package: "c")]),
                    .target(name: "Compiler", dependencies: [yams, "Store"]),
                    .target(name: "Utterly", swiftSettings: house),
                    .target(name: "Kit", dependencies: ["PulserIR"], path: "Tests/Kit"),
                    .testTarget(name: "KitTests", dependencies: ["Kit"]),
                ]
            )
            """
        ).targets
        #expect(targets.map(\.name) == ["PulserIR", "Compiler", "Utterly", "Kit", "KitTests"])
        #expect(targets.map(\.isModule) == [true, true, true, false, false])
        #expect(targets.map(\.line) == [4, 5, 6, 7, 8])
        let found = Self.differences(from: targets, in: "P").map(\.description)
        #expect(found.contains("P:5: 'Compiler' lacks 'PulserIR', which ModuleTable.swift names"))
        #expect(
            found.contains("P:5: 'Compiler' has 'Store', which ModuleTable.swift does not name")
        )
        #expect(found.contains("P:6: give module 'Utterly' a row in ModuleTable.swift"))
        #expect(found.contains("P:1: module 'Store' of ModuleTable.swift is missing"))
        #expect(!found.contains { $0.contains("'PulserIR' lacks") || $0.contains("Kit") })
        let file = SourceFile(path: "Tests/KitTests/A.swift", text: "import Kit\nimport Store")
        let undeclared = Self.undeclaredImports(of: file, ["KitTests": ["Kit"]])
        #expect(undeclared.map(\.line) == [2])
    }

    @Test("a table in Markdown is read cell by cell")
    func markdown() {
        let rows = ModuleTable.rows(
            inMarkdown: """
                | `Z` | `x` | `Y` |

                | module | is | may import |
                |---|---|---|
                | `A` | `x` | `B`, `C` |
                | `B` | | – |

                | `D` | `x` | `E` |
                """
        )
        #expect(rows == ["A": ["B", "C"], "B": []])
    }

    private static func differences(from targets: [Manifest.Target], in path: String) -> [Finding] {
        var findings: [Finding] = []
        var missing = Set(ModuleTable.arrows.keys)
        for target in targets where target.isModule {
            missing.remove(target.name)
            func add(_ advice: String) {
                findings.append(Finding(path: path, line: target.line, advice: advice))
            }
            guard let row = ModuleTable.arrows[target.name] else {
                add("give module '\(target.name)' a row in ModuleTable.swift")
                continue
            }
            for name in row.subtracting(target.dependencies).sorted() {
                add("'\(target.name)' lacks '\(name)', which ModuleTable.swift names")
            }
            for name in target.dependencies.subtracting(row).sorted() {
                add("'\(target.name)' has '\(name)', which ModuleTable.swift does not name")
            }
        }
        return findings
            + missing.sorted().map {
                Finding(
                    path: path,
                    line: 1,
                    advice: "module '\($0)' of ModuleTable.swift is missing"
                )
            }
    }

    private static func undeclaredImports(
        of file: SourceFile,
        _ declared: [String: Set<String>]
    ) -> [Finding] {
        let allowed = ModuleTable.toolchain.union(["Foundation", "Testing"])
            .union(declared[file.module] ?? [])
        return file.imports.filter { !allowed.contains($0.name) }.map { name, line in
            file.finding(line, "declare '\(name)' for '\(file.module)' in Package.swift")
        }
    }
}
