// Decides that the page of a run's states says who moves a run from where to where, as the code does.

import Foundation
import Postgres
import PulserIR
import TestKit
import Testing

@testable import Store

/// One way a run's status changes; `nil` is a run that is not there.
private struct Move: Hashable, Comparable, CustomStringConvertible {
    var from: RunStatus?
    var to: RunStatus?
    var mover: String

    private static func word(_ status: RunStatus?) -> String {
        status.map { "`\($0.rawValue)`" } ?? "–"
    }

    var description: String {
        "| \(Self.word(self.from)) | \(Self.word(self.to)) | … | `\(self.mover)` | … |"
    }

    static func < (one: Self, other: Self) -> Bool { one.description < other.description }
}

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
    private static func page() throws -> Set<Move> {
        var moves: Set<Move> = []
        for line in try Self.text("Sources/RunStates.md").split(separator: "\n") {
            let cells = line.split(separator: "|", omittingEmptySubsequences: false)
            guard cells.count == 7 else { continue }
            let words = cells.map { cell in cell.matches(of: /`([a-z_.]+)`/).map { String($0.1) } }
            for mover in words[4] {
                for from in Self.statuses(words[1]) {
                    for to in Self.statuses(words[2]) where from != to {
                        moves.insert(Move(from: from, to: to, mover: mover))
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
                seen.insert(Move(from: nil, to: .queued, mover: mover))
            }
            for (mover, sql) in functions where sql.contains("DETACH PARTITION") {
                for status in RunStatus.allCases where status.isTerminal {
                    seen.insert(Move(from: status, to: nil, mover: mover))
                }
            }
            for move in seen.subtracting(page).sorted() {
                Issue.record("Sources/RunStates.md lacks this, which happened: \(move)")
            }
            for move in page.subtracting(seen).sorted() {
                Issue.record(
                    """
                    Sources/RunStates.md says this, which did not happen: \(move); correct the page, or \
                    have RunDrive in Tests/StoreTests/RunStatesTests.swift do it
                    """
                )
            }
        }
    }
}

/// Has every statement try to move runs of every state, and looks what came of it.
private struct RunDrive {
    let bed: StoreBed
    let statements: [String: String]
    let functions: [String: String]

    private static let open: [RunStatus] = [.queued, .claimed, .running, .waiting]
    private static let ended: [RunStatus] = [.succeeded, .failed, .cancelled, .timedOut]

    /// What happened, by the words of the statement in which it did.
    func all(asked: Set<RunStatus>) async throws -> Set<Move> {
        for statement in [
            "CREATE TABLE moved (tx text, run bigint, was text, now text, query text)",
            """
            CREATE FUNCTION note_move() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                INSERT INTO moved (tx, run, was, now, query) VALUES (pg_current_xact_id()::text,
                    CASE TG_OP WHEN 'DELETE' THEN OLD.id ELSE NEW.id END,
                    CASE WHEN TG_OP <> 'INSERT' THEN OLD.status END,
                    CASE WHEN TG_OP <> 'DELETE' THEN NEW.status END, current_query());
                RETURN NULL;
            END $$
            """,
            """
            CREATE TRIGGER note_move AFTER INSERT OR UPDATE OR DELETE ON run_any
                FOR EACH ROW EXECUTE FUNCTION note_move()
            """,
        ] { try await self.bed.text(statement) }
        // Cancels of runs that nobody owns, before there is a node.
        for (number, status) in (Self.open + Self.ended).enumerated() {
            let run = try await self.run(
                in: status,
                session: "s\(number)",
                begun: status != .queued
            )
            try await self.cancel(run, session: "s\(number)")
        }
        try await Owner.with(self.bed) { owner in
            for (number, status) in (Self.open + Self.ended).enumerated() {
                try await self.claim(status, owner)
                try await self.retry(status)
                try await self.snooze(status)
                try await self.beLate(status)
                for next in asked { try await self.write(status, next, owner) }
                for end in Self.ended { try await self.write(status, end, owner) }
                let run = try await self.run(in: status, session: "o\(number)", begun: false)
                try await self.cancel(run, session: "o\(number)")
            }
        }
        return try await self.seen()
    }

    /// A run of a lane of its own.
    private func run(
        in status: RunStatus,
        session: String = "default",
        begun: Bool = true
    ) async throws -> RunRow {
        if session != "default",
            try await self.bed.text(
                "SELECT name FROM session WHERE name = '\(session)'"
            ) == nil
        {
            try await self.bed.store.createSession(name: session, intent: "")
        }
        let count = try await self.bed.number("SELECT count(*) FROM lane")
        let lane = try await self.bed.store.ensureLane(session: session, lane: "l\(count)")
        let id = try await self.bed.enqueue(1, lane: lane)[0]
        if status != .queued || begun {
            try await self.bed.text(
                """
                UPDATE run_any SET status = '\(status.rawValue)', is_done = \(status.isTerminal),
                    claim_no = \(begun ? 1 : 0),
                    finished_at = \(status.isTerminal ? "now()" : "NULL") WHERE id = \(id.number)
                """
            )
        }
        return try await self.bed.store.run(id)
    }

    private func claim(_ status: RunStatus, _ owner: Owner) async throws {
        let run = try await self.run(in: status)
        let want = try await owner.want(run.lane, room: 1)
        _ = try await owner.writer.claim([want])
        let third = try await self.run(in: status)
        var limited = try await owner.want(third.lane, room: 1)
        limited.busy = [:]
        _ = try await owner.writer.claim([limited])
        let other = try await self.run(in: status)
        let adopting = try await owner.want(other.lane, room: 1)
        _ = try await owner.writer.adopt([other.id], lanes: [adopting])
    }

    /// With the claim of who has the run; a run that was queued again has a later one.
    private func write(_ status: RunStatus, _ next: RunStatus, _ owner: Owner) async throws {
        let run = try await self.run(in: status)
        let log = try await owner.log(run.lane)
        let isHeld = status != .queued || [.cancelled, .timedOut].contains(next)
        let fence = RunFence(
            run: run.id,
            lane: run.lane,
            shard: log.shard,
            claimNumber: isHeld ? run.claimNumber : run.claimNumber - 1
        )
        _ = try? await owner.writer.submit([.transition(transition(next))], fence: fence, log: log)
    }

    /// Puts it off, which moves no run.
    private func snooze(_ status: RunStatus) async throws {
        let run = try await self.run(in: status)
        try await self.bed.text(
            "UPDATE run_any SET retry_at = now() + interval '1 h' WHERE id = \(run.id.number)"
        )
        _ = try? await self.bed.store.snooze(run.id, for: 60_000)
    }

    private func retry(_ status: RunStatus) async throws {
        let run = try await self.run(in: status)
        _ = try? await self.bed.store.retry(run, steps: [], inputs: nil)
    }

    /// Whose owner was told before.
    private func beLate(_ status: RunStatus) async throws {
        let run = try await self.run(in: status)
        try await self.bed.text(
            """
            INSERT INTO run_deadline (run_id, kind, at, told_at)
            VALUES (\(run.id.number), 'end', now(), now())
            """
        )
        try await self.bed.text("UPDATE run SET request = 'timeout' WHERE id = \(run.id.number)")
        _ = try await self.bed.store.passDeadlines(limit: 10)
    }

    private func cancel(_ run: RunRow, session: String) async throws {
        let begun = run.claimNumber > 0
        _ = try? await self.bed.store.requestCancel(run.id, reason: "why")
        let second = try await self.run(in: run.status, begun: begun)
        let bulk = try await self.bed.number(
            """
            INSERT INTO bulk (action, filter, reason, actor, total)
            VALUES ('cancel', '{}', 'why', 'me', 1) RETURNING id
            """
        )
        try await self.bed.text(
            """
            INSERT INTO bulk_item (bulk_id, run_id, claim_no)
            VALUES (\(bulk), \(second.id.number), 0)
            """
        )
        let taken = try #require(try await self.bed.store.takeBulk(silence: .seconds(60)))
        _ = try await self.bed.store.cancelNext(taken, limit: 10)
        _ = try await self.bed.store.finishBulk(taken)
        _ = try await self.run(in: run.status, session: session, begun: begun)
        _ = try await self.bed.store.endSession(name: session, as: .cancelled, reason: "why")
    }

    /// What the trigger noted, but for what this test itself did.
    private func seen() async throws -> Set<Move> {
        let text = try await self.bed.text(
            """
            SELECT coalesce(json_agg(json_build_array(was, now, query)), '[]') FROM (
                SELECT max(was) AS was, max(now) AS now, query FROM moved GROUP BY tx, run, query) m
            """
        )
        let rows = try JSONDecoder().decode([[String?]].self, from: Data((text ?? "").utf8))
        var moves: Set<Move> = []
        for row in rows where row[0] != row[1] {
            let query = row[2] ?? ""
            let mover =
                self.statements.first { $0.value == query }?.key
                ?? self.functions.keys.first { query.contains("\($0)(") }
            guard let mover else {
                #expect(query.contains("SET status = '"), "moved by an unknown statement: \(query)")
                continue
            }
            moves.insert(
                Move(
                    from: row[0].flatMap { RunStatus(rawValue: $0) },
                    to: row[1].flatMap { RunStatus(rawValue: $0) },
                    mover: mover
                )
            )
        }
        return moves
    }
}
