// Has every statement of the queue try to move runs of every state, and tells what came of it.

import Foundation
import Postgres
import PulserIR
import Store
import Testing

/// One way a run's status changes; `nil` is a run that is not there.
struct RunMove: Hashable, Comparable, CustomStringConvertible {
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

/// Has every statement try to move runs of every state, and looks what came of it.
struct RunDrive {
    let bed: StoreBed
    let statements: [String: String]
    let functions: [String: String]

    private static let open: [RunStatus] = [.queued, .claimed, .running, .waiting]
    private static let ended: [RunStatus] = [.succeeded, .failed, .cancelled, .timedOut]

    /// What happened, by the words of the statement in which it did.
    func all(asked: Set<RunStatus>) async throws -> Set<RunMove> {
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
                for next in asked.union(Self.ended) {
                    try await self.writeFirst(status, next, owner)
                }
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

    /// With the first write about a run that was read.
    private func writeFirst(_ status: RunStatus, _ next: RunStatus, _ owner: Owner) async throws {
        let run = try await self.run(in: status)
        let log = try await owner.log(run.lane)
        for read in try await owner.next(run.lane, room: 1) {
            var transition = transition(next)
            transition.hasJournal = false
            try await owner.writer.submit(
                [.transition(transition)],
                fence: read.fence,
                log: log,
                version: read.version
            )
        }
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
    private func seen() async throws -> Set<RunMove> {
        let text = try await self.bed.text(
            """
            SELECT coalesce(json_agg(json_build_array(was, now, query)), '[]') FROM (
                SELECT max(was) AS was, max(now) AS now, query FROM moved GROUP BY tx, run, query) m
            """
        )
        let rows = try JSONDecoder().decode([[String?]].self, from: Data((text ?? "").utf8))
        var moves: Set<RunMove> = []
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
                RunMove(
                    from: row[0].flatMap { RunStatus(rawValue: $0) },
                    to: row[1].flatMap { RunStatus(rawValue: $0) },
                    mover: mover
                )
            )
        }
        return moves
    }
}
