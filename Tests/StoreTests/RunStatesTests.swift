// Decides that the page of a run's states says who moves a run from where to where, as the code does.

import Foundation
import Postgres
import PulserIR
import TestKit
import Testing

@testable import Store

/// A change that is drawn; `nil` is a run that is not there.
private struct Arrow: Hashable {
    var from: RunStatus?
    var to: RunStatus?
}

@Suite("The page of a run's states", .timeLimit(.minutes(2)))
struct RunStatesTests {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../..").standardized

    private static func text(_ path: String) throws -> String {
        try String(contentsOf: Self.root.appending(path: path), encoding: .utf8)
    }

    /// What the page says: every row of its table, taken apart.
    private static func page() throws -> Set<RunMove> {
        var moves: Set<RunMove> = []
        for line in try Self.text("Sources/RunStates.md").split(separator: "\n") {
            let cells = line.split(separator: "|", omittingEmptySubsequences: false)
            guard cells.count == 7 else { continue }
            let words = cells.map { cell in cell.matches(of: /`([a-z_.]+)`/).map { String($0.1) } }
            for mover in words[4] {
                for from in Self.statuses(words[1]) {
                    for to in Self.statuses(words[2]) where from != to {
                        moves.insert(RunMove(from: from, to: to, mover: mover))
                    }
                }
            }
        }
        return moves
    }

    /// The arrows of the drawing; one from or to a state that holds others is one for each of those.
    private static func arrows(_ drawing: Substring) -> Set<Arrow> {
        var inner: [String: Set<RunStatus?>] = ["[*]": [nil]]
        var outer: String?
        var ends: [(String, String)] = []
        for line in drawing.split(separator: "\n") {
            let words = line.split(separator: ":")[0].split(separator: " ").map(String.init)
            if words.first == "state", words.count == 3 { outer = words[1] }
            if words == ["}"] { outer = nil }
            if words.count == 3, words[1] == "-->" { ends.append((words[0], words[2])) }
            if let outer {
                inner[outer, default: []].formUnion(words.compactMap { RunStatus(rawValue: $0) })
            }
        }
        for status in RunStatus.allCases { inner[status.rawValue] = [status] }
        var arrows: Set<Arrow> = []
        for (from, to) in ends {
            for one in inner[from, default: []] {
                for other in inner[to, default: []] { arrows.insert(Arrow(from: one, to: other)) }
            }
        }
        return arrows
    }

    private static func statuses(_ words: [String]) -> [RunStatus?] {
        words.isEmpty ? [nil] : words.compactMap { RunStatus(rawValue: $0) }
    }

    /// What of a statement or function says that it makes, moves or drops runs.
    private static func moves(_ sql: String) -> Bool {
        let writes = /(INSERT INTO|DELETE FROM|TRUNCATE)\s+run(_done|_any)?\b/
        let detaches = /ALTER TABLE run_(done|any) DETACH/
        let updates =
            /UPDATE\s+run(?:_done|_any)?(?:\s+r)?\s+SET\s+((?:.|\n)*?)\s(?:FROM|WHERE|RETURNING)\b/
        return sql.firstMatch(of: writes.ignoresCase()) != nil
            || sql.firstMatch(of: detaches.ignoresCase()) != nil
            || sql.matches(of: updates.ignoresCase()).contains {
                $0.1.firstMatch(of: /(^|[^_.a-z])status *=/) != nil
            }
    }

    /// A statement that makes runs and does not say in which state.
    private static func makesQueued(_ sql: String) -> Bool {
        let made = sql.matches(of: /INSERT INTO run \(([^)]*)\)/)
        return !made.isEmpty && made.allSatisfy { $0.1.firstMatch(of: /\bstatus\b/) == nil }
    }

    /// The functions of the schema by name.
    private static func functions(_ bed: StoreBed) async throws -> [String: String] {
        let text = try await bed.text(
            """
            SELECT json_object_agg(proname, prosrc) FROM pg_proc
            WHERE pronamespace = 'public'::regnamespace
            """
        )
        return try JSONDecoder().decode([String: String].self, from: Data((text ?? "{}").utf8))
    }

    /// The states into which the actors ask the writer to put runs that go on.
    private static func asked() throws -> Set<RunStatus> {
        let folder = Self.root.appending(path: "Sources/Execution")
        let files = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)
        var asked: Set<RunStatus> = []
        for case let file as URL in files ?? .init() where file.pathExtension == "swift" {
            let text = try String(contentsOf: file, encoding: .utf8)
            let call = /ransition\(\s*(?:status: )?(?:\w+ \? )?\.(\w+)(?: : \.(\w+))?/
            for match in text.matches(of: call) {
                for word in [match.1, match.2].compactMap({ $0 }) {
                    guard let status = RunStatus.allCases.first(where: { "\($0)" == word }) else {
                        continue
                    }
                    asked.insert(status)
                }
            }
        }
        return asked.filter { !$0.isTerminal }
    }

    @Test("the database knows the states that the page and the code know, and no others")
    func states() async throws {
        try await StoreBed.with { bed in
            let words = try await bed.text(
                """
                SELECT string_agg(DISTINCT m[1], ' ' ORDER BY m[1])
                FROM pg_constraint c, regexp_matches(pg_get_constraintdef(c.oid), '''(\\w+)''', 'g') m
                WHERE c.conname IN ('run_is_open', 'run_has_ended')
                """
            )
            #expect(words == RunStatus.allCases.map(\.rawValue).sorted().joined(separator: " "))
            let named = Set(try Self.page().flatMap { [$0.from, $0.to] }.compactMap { $0 })
            #expect(named == Set(RunStatus.allCases))
            // What is drawn is what the table says, arrow by arrow.
            let text = try Self.text("Sources/RunStates.md")
            let drawn = Self.arrows(text.split(separator: "```")[1])
            let listed = Set(try Self.page().map { Arrow(from: $0.from, to: $0.to) })
            #expect(drawn.subtracting(listed).isEmpty, "arrows that the table lacks")
            #expect(listed.subtracting(drawn).isEmpty, "moves that are not drawn")
        }
    }

    @Test("every statement and function that moves runs is on the page, and each does what it says")
    func moves() async throws {
        try await StoreBed.with { bed in
            let functions = try await Self.functions(bed).filter { Self.moves($0.value) }
            let statements = Dictionary(
                Statements.all.filter { Self.moves($0.sql) }.map { ($0.name, $0.sql) }
            ) { first, _ in first }
            try #require(functions.count + statements.count > 8)
            let page = try Self.page()
            let movers = Set(functions.keys).union(statements.keys)
            let named = Set(page.map(\.mover))
            for mover in movers.subtracting(named).sorted() {
                Issue.record(
                    """
                    Sources/RunStates.md lacks `\(mover)`, which makes, moves or drops runs; add a row \
                    | from | to | who | `\(mover)` | fenced by |
                    """
                )
            }
            for mover in named.subtracting(movers).sorted() {
                Issue.record("Sources/RunStates.md names `\(mover)`, which moves no run")
            }
            let driven = RunDrive(bed: bed, statements: statements, functions: functions)
            var seen = try await driven.all(asked: try Self.asked())
            for (mover, sql) in statements.merging(functions, uniquingKeysWith: { one, _ in one })
            where Self.makesQueued(sql) {
                seen.insert(RunMove(from: nil, to: .queued, mover: mover))
            }
            for (mover, sql) in functions where sql.contains("DETACH PARTITION") {
                for status in RunStatus.allCases where status.isTerminal {
                    seen.insert(RunMove(from: status, to: nil, mover: mover))
                }
            }
            for move in seen.subtracting(page).sorted() {
                Issue.record("Sources/RunStates.md lacks this, which happened: \(move)")
            }
            for move in page.subtracting(seen).sorted() {
                Issue.record(
                    """
                    Sources/RunStates.md says this, which did not happen: \(move); correct the page, or \
                    have Tests/StoreTests/RunDrive.swift do it
                    """
                )
            }
        }
    }
}
