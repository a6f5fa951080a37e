// Membership as nodes change it: every change, and what follows from it, is one transaction.

internal import Postgres
public import PulserIR

extension Store: ClusterDirectory {
    /// Ends the older incarnation at the address and makes the new node, in one transaction; nodes
    /// that died longer than ``ClusterRules/deadKept`` ago are forgotten with it.
    public func join(_ node: NewNode) async throws(StoreError) -> NodeEpoch {
        let speaks: [PostgresValue] = [
            .text(node.address), .int4(node.protocolMin), .int4(node.protocolMax),
        ]
        let rows = try await self.changeMembership([
            PostgresRequest(MembershipSQL.forgetVotes), PostgresRequest(MembershipSQL.prune),
            PostgresRequest(
                MembershipSQL.killPredecessor,
                speaks + [.bool(node.hasPredecessorEnded)]
            ),
            PostgresRequest(
                MembershipSQL.join,
                speaks + [
                    .text(node.name), .text(node.build), .text(node.zone), .text(node.endpoint),
                ]
            ),
        ])
        let answer = try rows.first()
        guard let epoch = try answer.int64IfPresent(0) else {
            throw StoreError(
                .conflict,
                "this build speaks the cluster's protocol \(node.protocolMin) to "
                    + "\(node.protocolMax), the cluster speaks \(try answer.int64(1)): start a build "
                    + "that speaks it too, or end the other nodes first"
            )
        }
        return NodeEpoch(epoch)
    }

    /// Makes a joining node active.
    public func activate(_ node: NodeEpoch) async throws(StoreError) {
        try await self.move(node, MembershipSQL.activate)
    }

    /// Makes a node draining.
    public func drain(_ node: NodeEpoch) async throws(StoreError) {
        try await self.move(node, MembershipSQL.drain)
    }

    /// Makes a draining node active.
    public func undrain(_ node: NodeEpoch) async throws(StoreError) {
        try await self.move(node, MembershipSQL.undrain)
    }

    /// Makes a node dead by its own wish.
    public func leave(_ node: NodeEpoch) async throws(StoreError) {
        _ = try await self.changeMembership([
            PostgresRequest(MembershipSQL.leave, [.int8(node.number)])
        ])
    }

    /// Renews a lease by one statement on one row.
    public func renew(_ node: NodeEpoch) async throws(StoreError) -> Renewal? {
        let rows = try await self.execute(MembershipSQL.renew, [.int8(node.number)])
        guard rows.count == 1 else { return nil }
        let row = try rows.first()
        return Renewal(
            viewVersion: try row.int64(2),
            status: try row.status(0),
            coordinator: try row.term(3),
            shardsTaken: try row.int64(1)
        )
    }

    /// Looks first, without a lock, and takes the cluster's row only when there is somebody to reap.
    public func reap(by node: NodeEpoch) async throws(StoreError) -> [NodeEpoch] {
        let value = PostgresValue.int8(node.number)
        guard try await self.execute(MembershipSQL.expired, [value]).count > 0 else { return [] }
        let rows = try await self.changeMembership([PostgresRequest(MembershipSQL.reap, [value])])
        let dead = try rows.decode { row throws(StoreError) in NodeEpoch(try row.int64(0)) }
        return dead.sorted()
    }

    /// Reads the cluster and its living nodes by one statement.
    public func view() async throws(StoreError) -> ClusterView {
        let rows = try await self.execute(MembershipSQL.view)
        let first = try rows.first()
        let isEmpty = first.isNull(3)
        return ClusterView(
            version: try first.int64(0),
            nodes: isEmpty
                ? [] : try rows.decode { row throws(StoreError) in try NodeView(row.from(3)) },
            coordinator: try first.term(1)
        )
    }

    // MARK: How changes are made

    /// Makes a change of membership with all that follows from it.
    ///
    /// - Parameter requests: The change; at least one.
    /// - Returns: The last request's rows.
    /// - Throws: `unavailable` when the database does not answer; then it may have happened.
    func changeMembership(
        _ requests: [PostgresRequest]
    ) async throws(StoreError) -> PostgresRows {
        let wait = Int64(ClusterRules.lockWaitMax / .milliseconds(1))
        let all =
            [
                PostgresRequest(MembershipSQL.clearWay, [.text(String(wait))]),
                PostgresRequest(MembershipSQL.lock),
            ] + requests
            + [MembershipSQL.freeShards, MembershipSQL.forgetVotes, MembershipSQL.rise]
            .map { PostgresRequest($0) }
        let rows = try await self.clearing(all)
        guard rows.count == all.count else { throw StoreError(.corrupt, "an answer is missing") }
        try await self.announce(view: rows[all.count - 1], column: 0)
        return rows[requests.count + 1]
    }

    /// Tells every node of a view that rose, once that is committed; who does not hear of it is told
    /// with the next renewal of its lease.
    ///
    /// - Parameters:
    ///   - rows: An answer whose first row, if there is one, has the view's version.
    ///   - column: Where; `NULL` there says that it did not rise.
    /// - Throws: `corrupt` when what is there is no number.
    func announce(view rows: PostgresRows, column: Int) async throws(StoreError) {
        guard rows.count > 0, let version = try rows.first().int64IfPresent(column) else { return }
        await self.notify(.cluster, String(version))
    }

    /// Tries once more when a lock was not free in time: who has it was not stuck for long enough
    /// to be ended the first time.
    private func clearing(
        _ requests: [PostgresRequest]
    ) async throws(StoreError) -> [PostgresRows] {
        do {
            return try await self.pool.transaction(requests)
        } catch {
            // 55P03: a lock was not available within lock_timeout.
            guard error.sqlState == "55P03" else { throw StoreError(error) }
        }
        return try await self.transaction(requests)
    }

    private func move(
        _ node: NodeEpoch,
        _ statement: PostgresStatement
    ) async throws(StoreError) {
        let value = PostgresValue.int8(node.number)
        let rows = try await self.changeMembership([
            PostgresRequest(statement, [value]), PostgresRequest(MembershipSQL.isDead, [value]),
        ])
        guard rows.count == 1 else { throw StoreError(.notFound, "there is no such node") }
        guard try !rows.first().bool(0) else {
            throw StoreError(.stale, "this node was declared dead")
        }
    }
}

extension StoreRow {
    func status(_ column: Int) throws(StoreError) -> NodeStatus {
        guard let status = NodeStatus(rawValue: try self.text(column)) else {
            throw StoreError(.corrupt, "a node has a status this version does not know")
        }
        return status
    }

    /// The coordinator's node in `column`, `NULL` for none, and its epoch in the next one.
    func term(_ column: Int) throws(StoreError) -> CoordinatorTerm? {
        guard let node = try self.int64IfPresent(column) else { return nil }
        return CoordinatorTerm(node: NodeEpoch(node), epoch: try self.int64(column + 1))
    }

    func milliseconds(_ column: Int) throws(StoreError) -> Duration {
        .milliseconds(try self.int64(column))
    }

    func millisecondsIfPresent(_ column: Int) throws(StoreError) -> Duration? {
        try self.int64IfPresent(column).map { .milliseconds($0) }
    }
}

extension NodeView {
    /// Reads `MembershipSQL.nodeColumns`.
    init(_ row: StoreRow) throws(StoreError) {
        self.init(
            epoch: NodeEpoch(try row.int64(0)),
            name: try row.text(1),
            address: try row.text(2),
            zone: try row.text(3),
            build: try row.text(4),
            protocolMin: Int32(try row.int64(5)),
            protocolMax: Int32(try row.int64(6)),
            status: try row.status(7),
            leaseLeft: try row.milliseconds(8)
        )
        self.endpoint = try row.text(9)
    }
}
