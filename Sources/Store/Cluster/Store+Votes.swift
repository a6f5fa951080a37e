// Suspicion and the coordinator's office, as nodes use them.

internal import Postgres
public import PulserIR

extension Store {
    /// Makes or repeats a vote.
    @discardableResult
    public func suspect(
        _ target: NodeEpoch,
        by voter: NodeEpoch,
        isHard: Bool
    ) async throws(StoreError) -> Bool {
        let rows = try await self.execute(
            VotesSQL.suspect,
            [.int8(target.number), .int8(voter.number), .bool(isHard)]
        )
        return rows.count == 1
    }

    /// Deletes a vote.
    public func clear(_ target: NodeEpoch, by voter: NodeEpoch) async throws(StoreError) {
        _ = try await self.execute(
            VotesSQL.clear,
            [.int8(target.number), .int8(voter.number)]
        )
    }

    /// Counts the votes first, without a lock; when they are enough it counts them again and ends the
    /// node, in one transaction.
    public func evict(
        _ target: NodeEpoch,
        by executor: NodeEpoch,
        isHard: Bool
    ) async throws(StoreError) -> Bool {
        let values: [PostgresValue] = [.int8(target.number), .int8(executor.number)]
        let rows = try await self.execute(
            isHard ? VotesSQL.weighHard : VotesSQL.weighSoft,
            values
        )
        guard rows.count == 1 else { return false }
        if try rows.first().bool(0) { return true }
        guard try rows.first().bool(1) else { return false }
        let statement = isHard ? VotesSQL.evictHard : VotesSQL.evictSoft
        return try await self.end(target, PostgresRequest(statement, values))
    }

    /// Ends a node by a person's word.
    public func evict(_ target: NodeEpoch) async throws(StoreError) {
        let request = PostgresRequest(MembershipSQL.evict, [.int8(target.number)])
        guard try await self.end(target, request) else {
            throw StoreError(.notFound, "there is no such node")
        }
    }

    private func end(
        _ target: NodeEpoch,
        _ request: PostgresRequest
    ) async throws(StoreError) -> Bool {
        let rows = try await self.changeMembership([
            request, PostgresRequest(MembershipSQL.isDead, [.int8(target.number)]),
        ])
        return rows.count == 1 ? try rows.first().bool(0) : false
    }

    /// Takes the vacant office.
    public func elect(_ node: NodeEpoch) async throws(StoreError) -> CoordinatorTerm? {
        let rows = try await self.transaction([
            PostgresRequest(MembershipSQL.lock),
            PostgresRequest(CoordinatorSQL.elect, [.int8(node.number)]),
        ])
        guard let answer = rows.last, answer.count > 0 else { return nil }
        try await self.announce(view: answer, column: 2)
        return try answer.first().term(0)
    }

    /// Prolongs a term by one statement on one row.
    public func prolong(_ term: CoordinatorTerm) async throws(StoreError) -> Bool {
        let rows = try await self.execute(
            CoordinatorSQL.prolong,
            [.int8(term.node.number), .int8(term.epoch)]
        )
        return rows.count == 1
    }

    /// Ends a term.
    public func resign(_ term: CoordinatorTerm) async throws(StoreError) {
        let rows = try await self.execute(
            CoordinatorSQL.resign,
            [.int8(term.node.number), .int8(term.epoch)]
        )
        try await self.announce(view: rows, column: 0)
    }
}
