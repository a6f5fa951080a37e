// How tests of signals and approvals get a run under way, and have it taken over.

import PulserIR
import Store
import TestKit
import Testing

/// A claimed run that other owners can take.
struct WaitBed: Sendable {
    let bed: StoreBed
    let owner: Owner
    let lane: Int64
    let fence: RunFence
    let log: LaneLog

    var store: Store { self.bed.store }
    var run: RunID { self.fence.run }

    static func with(
        _ bed: StoreBed,
        _ body: @Sendable (WaitBed) async throws -> Void
    ) async throws {
        try await Owner.with(bed) { owner in
            let lane = try await bed.store.ensureLane(session: "default", lane: "l")
            _ = try await bed.enqueue(1, lane: lane)
            let run = try await owner.claimOne(lane)
            let log = try await owner.log(lane)
            try await body(
                WaitBed(bed: bed, owner: owner, lane: lane, fence: run.fence, log: log)
            )
        }
    }

    static func with(_ body: @Sendable (WaitBed) async throws -> Void) async throws {
        try await StoreBed.with { try await Self.with($0, body) }
    }

    /// Lets time pass where it is played.
    func pass(_ seconds: Int) async throws {
        try await self.bed.text("UPDATE played.base SET at = at + interval '\(seconds) s'")
    }

    /// Writes the intent of an attempt.
    func begin(_ step: String, _ attempt: Int = 1, fence: RunFence? = nil) async throws {
        try await self.owner.writer.submit(
            [.journal(record(step, attempt, .intent))],
            fence: fence ?? self.fence,
            log: self.log
        )
    }

    /// The run in the hands of the next claim.
    func takenOver() async throws -> RunFence {
        let want = try await self.owner.want(self.lane, room: 0)
        return try #require(
            try await self.owner.writer.adopt([self.run], lanes: [want]).first
        ).fence
    }

    func send(
        _ name: String,
        _ payload: String = "null",
        key: String? = nil
    ) async throws -> (row: SignalRow, isReplay: Bool) {
        try await self.store.send(
            NewSignal(run: self.run, name: name, payload: payload, sender: "anna", key: key)
        )
    }

    func take(
        _ name: String,
        _ step: String,
        _ attempt: Int = 1,
        within: Int64? = nil,
        fence: RunFence? = nil
    ) async throws -> SignalLook {
        try await self.store.takeSignal(
            name,
            for: step,
            attempt: attempt,
            within: within,
            fence: fence ?? self.fence
        )
    }

    func decide(
        _ person: String,
        _ isApproval: Bool = true,
        step: String = "ok",
        needed: Int = 2,
        attempt: Int = 1
    ) async throws -> DecisionOutcome {
        try await self.store.decide(
            NewDecision(
                run: self.run,
                attempt: attempt,
                step: step,
                needed: needed,
                person: person,
                isApproval: isApproval
            )
        )
    }

    func ask(_ needed: Int = 2, within: Int64? = nil) async throws -> ApprovalLook {
        try await self.store.ask(
            ApprovalQuestion(step: "ok", needed: needed, timeoutMilliseconds: within),
            fence: self.fence
        )
    }
}
