// The pages beside the code say what is there: metrics, migrations, folders.

import Testing

@Suite("Pages and names")
struct PageTests {
    @Test("every metric is on the telemetry page, and every metric there exists")
    func metrics() {
        report(
            Self.metricDifferences(
                declared: Self.metrics(in: Repository.swiftFiles),
                page: Repository.text("Sources/Telemetry.md")
            )
        )
    }

    @Test("an unlisted, a gone and a badly named metric are found")
    func metricSamples() {
        let file = SourceFile(
            path: "Sources/Store/StoreMetrics.swift",
            text: "Counter(label: \"ops_store_writes_total\")\nGauge(label: \"ops_Store-size\")"
        )
        let found = Self.metricDifferences(
            declared: Self.metrics(in: [file]),
            page: "| `ops_store_reads_total` |"
        )
        #expect(
            found.map(\.path) == [
                "Sources/Store/StoreMetrics.swift", "Sources/Store/StoreMetrics.swift",
                "Sources/Store/StoreMetrics.swift", "Sources/Telemetry.md",
            ]
        )
        #expect(found.map(\.line) == [1, 2, 2, 1])
    }

    @Test("migrations are numbered without gaps, and their page lists them")
    func migrations() {
        let files = Repository.files(in: ["migrations"], ending: ".sql")
        #expect(!files.isEmpty)
        let page = Repository.text("migrations/README.md")
        report(Self.migrationFindings(files, page: page))
    }

    @Test(
        "a gap, a double number, a bad name and an unlisted migration are found",
        arguments: [
            ["0002_a"], ["0001_a", "0003_b"], ["0001_a", "0001_b"], ["0001-a"], ["001_a"],
            ["0001_A"], ["0001_unlisted"],
        ]
    )
    func migrationSamples(_ names: [String]) {
        let files = names.map { "migrations/\($0).sql" }
        let page = "`0001_a.sql` `0001_b.sql` `0002_a.sql` `0003_b.sql` `0001-a.sql` `0001_A.sql`"
        #expect(!Self.migrationFindings(files, page: page + " `001_a.sql`").isEmpty)
        #expect(Self.migrationFindings(["migrations/0001_a.sql"], page: page).isEmpty)
    }

    @Test("every folder at the top says what it holds")
    func folders() {
        let folders = ["Sources", "Tests", "migrations", "cluster", "loadtests", "examples"]
            .filter(Repository.holdsFiles)
        #expect(folders.contains("Sources") && folders.contains("Tests"))
        report(Self.unexplained(folders) { Repository.text($0) })
    }

    @Test("a folder without a page is found")
    func folderSamples() {
        let found = Self.unexplained(["Sources", "Tests"]) { $0.hasPrefix("Tests") ? "# T" : "" }
        #expect(found.map(\.path) == ["Sources"])
    }

    @Test("the tests' page lists every target of tests")
    func targets() {
        let page = Repository.text("Tests/README.md")
        report(Self.unlisted(Manifest(Repository.text("Package.swift")).targets, page: page))
    }

    @Test("a target of tests that its page does not list is found")
    func targetSamples() {
        let targets = Manifest(".testTarget(name: \"ATests\")\n.testTarget(name: \"BTests\")")
            .targets
        #expect(Self.unlisted(targets, page: "| `ATests` |").map(\.line) == [2])
    }

    private struct Metric {
        var name: String
        var path: String
        var line: Int
    }

    private static func metrics(in files: [SourceFile]) -> [Metric] {
        files.filter { $0.path.hasPrefix("Sources/") && $0.stem.hasSuffix("Metrics") }
            .flatMap { file in
                file.literals.filter { $0.text.hasPrefix("ops_") }
                    .map { Metric(name: $0.text, path: file.path, line: $0.line) }
            }
    }

    private static func metricDifferences(declared: [Metric], page: String) -> [Finding] {
        var findings: [Finding] = []
        let listed = page.matches(of: /`(ops_[a-z0-9_]+)`/).map { String($0.output.1) }
        for metric in declared {
            func add(_ advice: String) {
                findings.append(Finding(path: metric.path, line: metric.line, advice: advice))
            }
            if !listed.contains(metric.name) { add("list \(metric.name) in Sources/Telemetry.md") }
            let pattern = /ops_[a-z0-9]+(?:_[a-z0-9]+)*_(?:seconds|bytes|count|total|ratio)/
            if metric.name.wholeMatch(of: pattern) == nil {
                add("name it ops_<module>_<noun>_<unit>: seconds, bytes, count, total or ratio")
            }
        }
        let names = Set(declared.map(\.name))
        for (index, line) in page.split(separator: "\n", omittingEmptySubsequences: false)
            .enumerated()
        {
            for match in line.matches(of: /`(ops_[a-z0-9_]+)`/)
            where !names.contains(String(match.output.1)) {
                findings.append(
                    Finding(
                        path: "Sources/Telemetry.md",
                        line: index + 1,
                        advice: "no module declares \(match.output.1)"
                    )
                )
            }
        }
        return findings
    }

    private static func migrationFindings(_ files: [String], page: String) -> [Finding] {
        files.enumerated().flatMap { index, path -> [Finding] in
            func finding(_ advice: String) -> Finding {
                Finding(path: path, line: 1, advice: advice)
            }
            let name = String(path.split(separator: "/").last ?? "")
            guard let match = name.wholeMatch(of: /(\d{4})_[a-z0-9_]+\.sql/) else {
                return [finding("name it NNNN_topic.sql")]
            }
            var findings: [Finding] = []
            if Int(match.output.1) != index + 1 {
                findings.append(finding("number it \(index + 1): no gaps, no number twice"))
            }
            if !page.contains("`\(name)`") {
                findings.append(finding("list it in migrations/README.md"))
            }
            return findings
        }
    }

    private static func unexplained(
        _ folders: [String],
        _ text: (String) -> String
    ) -> [Finding] {
        folders.filter { text("\($0)/README.md").isEmpty }
            .map { Finding(path: $0, line: 1, advice: "write a README.md that says what it holds") }
    }

    private static func unlisted(_ targets: [Manifest.Target], page: String) -> [Finding] {
        targets.filter { !$0.isModule && !page.contains("`\($0.name)`") }
            .map {
                Finding(
                    path: "Package.swift",
                    line: $0.line,
                    advice: "say in Tests/README.md what '\($0.name)' proves"
                )
            }
    }
}
