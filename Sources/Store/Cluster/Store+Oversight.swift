// The cluster as operators look at it: one round trip each, bounded in time.

internal import Postgres
public import PulserIR

extension Store {
    /// How the cluster stands: who coordinates, who holds what, who is suspected, what moves.
    ///
    /// - Throws: `unavailable` when the database cannot answer in time.
    public func clusterStatus() async throws(StoreError) -> ClusterStatus {
        let answers = try await self.transaction([
            PostgresRequest(
                WriterSQL.bound,
                [.text(String(Int64(Self.questionTimeMax / .milliseconds(1))))]
            ),
            PostgresRequest(OversightSQL.status), PostgresRequest(OversightSQL.suspicions),
            PostgresRequest(
                OversightSQL.shards,
                [.null, .text(ShardState.handingOff.rawValue)]
            ),
        ])
        guard answers.count == 4 else { throw StoreError(.corrupt, "an answer is missing") }
        let first = try answers[1].first()
        let isEmpty = first.isNull(6)
        let nodes =
            isEmpty
            ? []
            : try answers[1].decode { row throws(StoreError) in
                try NodeStanding(row.from(6))
            }
        let coordinator = try first.term(1)
        return ClusterStatus(
            view: ClusterView(
                version: try first.int64(0),
                nodes: nodes.map(\.node),
                coordinator: coordinator
            ),
            termLeft: coordinator == nil ? .zero : try first.milliseconds(3),
            protocolSpoken: Int32(try first.int64(4)),
            nodes: nodes,
            suspicions: try answers[2].decode { row throws(StoreError) in try Suspicion(row) },
            freeShards: try first.int64(5),
            handOffs: try answers[3].decode { row throws(StoreError) in try ShardStanding(row) }
        )
    }

    /// Where shards are.
    ///
    /// - Parameters:
    ///   - owner: Only this node's; `nil` for all, free ones too.
    ///   - state: Only those in this state; `nil` for all.
    /// - Returns: The shards, by number.
    /// - Throws: `unavailable` when the database cannot answer in time.
    public func shards(
        of owner: NodeEpoch? = nil,
        in state: ShardState? = nil
    ) async throws(StoreError) -> [ShardStanding] {
        let rows = try await self.bounded(
            OversightSQL.shards,
            [
                owner.map { .int8($0.number) } ?? .null,
                state.map { .text($0.rawValue) } ?? .null,
            ]
        )
        return try rows.decode { row throws(StoreError) in try ShardStanding(row) }
    }

    /// What a run waits for; ``RunStanding/gate`` says which of it.
    ///
    /// - Parameter run: The run.
    /// - Returns: The run with its lane, its shard and its node.
    /// - Throws: `notFound`; `unavailable` when the database cannot answer in time.
    public func standing(of run: RunID) async throws(StoreError) -> RunStanding {
        let rows = try await self.bounded(
            OversightSQL.run,
            [.int8(run.number), .int8(Int64(RunStanding.aheadMax))]
        )
        guard rows.count == 1 else { throw StoreError(.notFound, "there is no run \(run)") }
        return try RunStanding(rows.first())
    }
}

extension NodeStanding {
    fileprivate init(_ row: StoreRow) throws(StoreError) {
        self.node = try NodeView(row)
        self.statusFor = try row.milliseconds(10)
        self.assigned = try row.int64(11)
        self.running = try row.int64(12)
        self.handingOff = try row.int64(13)
    }
}

extension Suspicion {
    fileprivate init(_ row: StoreRow) throws(StoreError) {
        self.target = NodeEpoch(try row.int64(0))
        self.voter = NodeEpoch(try row.int64(1))
        self.isHard = try row.bool(2)
        self.age = try row.milliseconds(3)
        self.repeatedBefore = try row.milliseconds(4)
    }
}

extension ShardStanding {
    init(_ row: StoreRow) throws(StoreError) {
        self.stateFor = try row.milliseconds(0)
        self.shard = try ShardView(row.from(1))
    }
}

extension RunStanding {
    fileprivate init(_ row: StoreRow) throws(StoreError) {
        guard let status = RunStatus(rawValue: try row.text(1)) else {
            throw StoreError(.corrupt, "a run has a status this version does not know")
        }
        self.run = RunID(try row.int64(0))
        self.status = status
        self.sessionName = try row.text(2)
        self.laneName = try row.text(3)
        self.laneWidth = try row.int(4)
        self.pausedBy = try row.textIfPresent(5)
        self.cancelReason = try row.bool(7) ? try row.textIfPresent(6) ?? "cancelled" : nil
        self.waitReason = try row.textIfPresent(8)
        self.dueIn = try row.milliseconds(9)
        self.readyFor = try row.milliseconds(10)
        self.claimedBy = try row.int64IfPresent(11).map(NodeEpoch.init(_:))
        self.laneActive = try row.int(12)
        self.ahead = try row.int(13)
        self.child = try row.int64IfPresent(14).map(RunID.init(_:))
        self.owner = try row.isNull(15) ? nil : Owner(row.from(15))
        self.targetName = try row.textIfPresent(19)
        self.pausedFor = try row.millisecondsIfPresent(20)
        self.waitingFor = try row.millisecondsIfPresent(21)
        self.startedBefore = try row.millisecondsIfPresent(22)
        self.childFor = try row.millisecondsIfPresent(23)
        self.foremost = try row.int64IfPresent(24).map(RunID.init(_:))
        self.keyWidth = try row.int64IfPresent(25).map { Int($0) }
        self.keyActive = try row.int(26)
        if let scope = try row.textIfPresent(27).flatMap(LaneWait.Scope.init(rawValue:)) {
            self.rateWait = LaneWait(
                scope: scope,
                name: try row.text(28),
                time: .milliseconds(try row.int64(29))
            )
        }
        if let scope = try row.textIfPresent(30).flatMap(Pause.Scope.init(rawValue:)) {
            self.lanePause = Pause(
                scope: scope,
                by: try row.text(31),
                reason: try row.textIfPresent(32),
                since: try row.milliseconds(33)
            )
        }
        self.shard = try ShardStanding(row.from(34))
    }
}

extension RunStanding.Owner {
    fileprivate init(_ row: StoreRow) throws(StoreError) {
        self.name = try row.text(0)
        self.status = try row.status(1)
        self.leaseLeft = try row.milliseconds(2)
        self.statusFor = try row.milliseconds(3)
    }
}
