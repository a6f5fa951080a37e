// Rules about words that stand only where they belong: SQL, printing, traps, metrics.

extension Rule {
    /// SQL is written in one module.
    static let statements = Rule(
        title: "SQL statements stand in Store only",
        folders: ["Sources", "loadtests"],
        exceptions: [
            Exception(path: "Sources/Store/", reason: "the module that holds all SQL")
        ],
        violations: [
            Sample("let a = \"SELECT id FROM run\""),
            Sample("let a = \"\"\"\n    select id\n    from run\n    \"\"\""),
            Sample("let a = \"INSERT INTO run VALUES ($1)\""),
            Sample("let a = \"WITH n AS (SELECT 1) UPDATE run SET a = 1\""),
            Sample("let a = #\"DELETE FROM run\"#"),
            Sample("let a = \"create table run ()\""),
        ],
        allowed: [
            Sample("// SELECT id FROM run\nlet a = 1"),
            Sample("let a = \"begin it with SELECT\""),
            Sample("let a = \"please select one from these\""),
        ]
    ) { file in
        let anywhere =
            /\bSELECT\b[\s\S]*\bFROM\b|\bINSERT INTO\b|\bUPDATE\s+\S+[\s\S]*\sSET\b|\bDELETE FROM\b|\bCREATE TABLE\b/
        let first =
            /^\s*(?:select\s[\s\S]*\sfrom\s|insert into\s|update\s+\S+\s+set\s|delete from\s|create table\s)/
        return file.literals
            .filter { $0.text.has(anywhere) || $0.text.has(first) }
            .map { file.finding($0.line, "move the statement into Store, as a named constant") }
    }

    /// Modules log; the program writes to its terminal in one place.
    static let printing = Rule(
        title: "nobody prints: modules log, the program writes through its terminal",
        folders: ["Sources"],
        violations: [
            Sample("print(\"a\")"), Sample("debugPrint(a)"), Sample("Swift.print(a)"),
        ],
        allowed: [Sample("table.print()"), Sample("func print() {}"), Sample("// print(a)")]
    ) { file in
        file.findings(
            matching: /Swift\.print\(|(?:^|[^\w.])(?:print|debugPrint|dump)\(/,
            "log it, or write it through `Terminal`"
        )
        .filter { !file.code[$0.line - 1].contains(/func\s+(?:print|dump)\(/) }
    }

    /// A trap ends every run of the node.
    static let traps = Rule(
        title: "no trap where an error can be thrown",
        folders: ["Sources", "loadtests"],
        violations: [Sample("Swift.fatalError(\"a\")"), Sample("let a = try! b()")],
        allowed: [Sample("let a = try? b()"), Sample("/// No fatalError( here.\nlet a = 1")]
    ) { file in
        file.findings(
            matching: /\bfatalError\(|\btry!/,
            "throw: a trap ends every run of the node"
        )
    }

    /// A module's metrics are declared side by side.
    static let metricPlaces = Rule(
        title: "metrics are declared in a file named after them",
        folders: ["Sources"],
        violations: [
            Sample("let a = Counter(label: \"ops_store_writes_total\")"),
            Sample("let a = Timer(label: name)"),
        ],
        allowed: [
            Sample(
                "let a = Counter(label: \"ops_store_writes_total\")",
                at: "Sources/Store/StoreMetrics.swift"
            ),
            Sample("let a = Timer(fireAtNanoseconds: 1)"),
        ]
    ) { file in
        guard !file.stem.hasSuffix("Metrics") else { return [] }
        return file.findings(
            matching: /\b(?:Counter|FloatingPointCounter|Gauge|Meter|Recorder|Timer)\(label:/,
            "declare it in `<Module>Metrics.swift`, its label as a literal"
        )
    }

    /// A test's title is the rule it checks.
    static let titles = Rule(
        title: "every test has a title",
        folders: ["Tests"],
        violations: [
            Sample("@Test func a() {}", at: "Tests/T/Sample.swift"),
            Sample("@Test(arguments: [1])\nfunc a(_ b: Int) {}", at: "Tests/T/Sample.swift"),
            Sample("@Test(.timeLimit(.minutes(1))) func a() {}", at: "Tests/T/Sample.swift"),
        ],
        allowed: [
            Sample("@Test(\"a\") func a() {}", at: "Tests/T/Sample.swift"),
            Sample("@Test(\n    \"a\",\n    arguments: [1]\n)", at: "Tests/T/Sample.swift"),
        ]
    ) { file in
        file.code.indices
            .filter { file.code[$0].has(/@Test\b/) }
            .filter { line in
                let next = file.code[line..<min(line + 2, file.code.count)]
                return !next.joined(separator: "\n").contains(/@Test\(\s*"/)
            }
            .map { file.finding($0 + 1, "give the test a title: the rule it checks") }
    }
}
