// Why a run does not run, as a sentence and as JSON.

public import PulserIR
public import Store

/// What a run waits for.
public enum WhyDocument {
    /// The run with its gate.
    ///
    /// - Parameters:
    ///   - run: What the database says.
    ///   - obstacle: What the lane's owner says. Default nothing.
    ///   - worker: The worker outside that has it. Default none.
    ///   - deadlines: Until when it must have begun or ended. Default any time.
    /// - Returns: The document, with its version.
    public static func json(
        _ run: RunStanding,
        obstacle: LaneObstacle? = nil,
        worker: ExternalClaim? = nil,
        deadlines: [StandingDeadline] = []
    ) -> JSONValue {
        let shard = run.shard.shard
        let owner: JSONValue =
            run.owner.map {
                .object([
                    "name": .string($0.name), "status": .string($0.status.rawValue),
                    "status_ms": ClusterDocument.time($0.statusFor),
                    "lease_ms": ClusterDocument.time($0.leaseLeft),
                ])
            } ?? .null
        return .object([
            "version": .integer(1), "run": .string(run.run.description),
            "status": .string(run.status.rawValue), "session": .string(run.sessionName),
            "lane": .string(run.laneName),
            "gate": .string(obstacle?.kind.rawValue ?? run.gate.word),
            "reason": .string(obstacle?.reason ?? Self.reason(run, worker)),
            "since_ms": obstacle.map { .integer($0.sinceMilliseconds) }
                ?? run.gateFor.map(ClusterDocument.time) ?? .null,
            "lane_width": .integer(Int64(run.laneWidth)),
            "lane_active": .integer(Int64(run.laneActive)), "ahead": .integer(Int64(run.ahead)),
            "child": run.child.map { .string($0.description) } ?? .null,
            "shard": .integer(Int64(shard.shard)), "shard_state": .string(shard.state.rawValue),
            "generation": .integer(shard.generation), "owner": owner,
            "target": run.targetName.map { .string($0) } ?? .null,
            "worker": worker.map(WorkerDocument.json) ?? .null,
            "deadline": DeadlineBody.json(deadlines),
        ])
    }

    /// Whether only the lane's owner can tell what holds the run up.
    static func isForOwner(_ run: RunStanding) -> Bool {
        [.ready, .behindOthers, .laneFull].contains(run.gate)
    }

    /// One sentence about the gate, or about the worker that has the run.
    private static func reason(_ run: RunStanding, _ worker: ExternalClaim?) -> String {
        guard let worker, run.gate == .underWay else { return Self.reason(run) }
        return WorkerDocument.sentence(worker)
    }

    /// One sentence about the gate.
    ///
    /// - Parameter run: What the database says.
    /// - Returns: The sentence, without its time.
    public static func reason(_ run: RunStanding) -> String {
        let node = run.owner.map { "node \($0.name)" } ?? "its node"
        let shard = "its shard \(run.shard.shard.shard)"
        let lane = "its lane \(run.sessionName)/\(run.laneName)"
        let width = "\(run.laneWidth) run\(run.laneWidth == 1 ? "" : "s")"
        return switch run.gate {
        case .ended: "it has ended"
        case .underWay: "it is under way on \(node)"
        case .paused:
            "\(run.pausedBy ?? "somebody") paused it"
                + ([.claimed, .running].contains(run.status)
                    ? "; what is under way ends first" : "")
        case .sessionPaused: Self.paused("its session \(run.sessionName)", run)
        case .lanePaused: Self.paused(lane, run)
        case .keyPaused: Self.paused("the runs of its key in \(lane)", run)
        case .notDue: "its time has not come: it is due in \(Self.seconds(run.dueIn))"
        case .shardFree: "nobody owns \(shard)"
        case .shardAssigned: "\(shard) was given to \(node), which does not serve it yet"
        case .shardHandingOff:
            "\(shard) goes from \(node) to \(run.targetName.map { "node \($0)" } ?? "another")"
        case .leaseOver: "the lease of \(node) is over, and nobody has taken \(shard) yet"
        case .earlierLease:
            "\(node) waits until the lease of the owner before is over, for another "
                + Self.seconds(run.shard.shard.effectsIn)
        case .nodeDraining: "\(node) drains and takes no runs; \(shard) goes to another"
        case .takeOver: "\(node) has \(shard) now and has not taken the run over yet"
        case .cancelRequested: "it shall end: \(run.cancelReason ?? "cancelled")"
        case .child: "it waits for run \(run.child?.description ?? "") that it started"
        case .waiting: run.waitReason ?? "it waits"
        case .laneFull:
            "\(lane) takes \(width) at once, and "
                + (run.laneActive == 1 ? "1 is" : "\(run.laneActive) are") + " under way"
                + (run.foremost.map { ", run \($0) foremost" } ?? "")
        case .keyFull:
            "\(lane) takes \(run.keyWidth ?? 0) of its key at once, and \(run.keyActive) "
                + (run.keyActive == 1 ? "is" : "are") + " under way"
        case .rateLimited: Self.limited(lane, run)
        case .behindOthers:
            "\(lane) takes \(width) at once, and "
                + (run.ahead >= RunStanding.aheadMax ? "at least \(run.ahead)" : "\(run.ahead)")
                + " come before it"
        case .ready: "nothing holds it up: \(node) takes it when it looks next"
        }
    }

    private static func limited(_ lane: String, _ run: RunStanding) -> String {
        let rate =
            switch run.rateWait?.scope {
            case .limit: "limit '\(run.rateWait?.name ?? "")'"
            case .key: "the rate of its key in \(lane)"
            case .lane, nil: "the rate of \(lane)"
            }
        return "\(rate) lets the next run begin in \(Self.seconds(run.rateWait?.time ?? .zero))"
    }

    private static func paused(_ what: String, _ run: RunStanding) -> String {
        "\(run.lanePause?.by ?? "somebody") paused \(what)"
            + (run.lanePause?.reason.map { ": \($0)" } ?? "")
    }

    private static func seconds(_ duration: Duration) -> String {
        "\(max(1, Int64(duration / .seconds(1)))) s"
    }
}

extension RunGate {
    /// The word of every output.
    var word: String {
        switch self {
        case .ended: "ended"
        case .underWay: "under_way"
        case .paused: "paused"
        case .sessionPaused: "session_paused"
        case .lanePaused: "lane_paused"
        case .keyPaused: "key_paused"
        case .notDue: "not_due"
        case .shardFree: "shard_free"
        case .shardAssigned: "shard_assigned"
        case .shardHandingOff: "shard_handing_off"
        case .leaseOver: "lease_over"
        case .earlierLease: "earlier_lease"
        case .nodeDraining: "node_draining"
        case .takeOver: "take_over"
        case .cancelRequested: "cancel_requested"
        case .child: "child"
        case .waiting: "waiting"
        case .laneFull: "lane_full"
        case .keyFull: "key_full"
        case .rateLimited: "rate_limited"
        case .behindOthers: "behind_others"
        case .ready: "ready"
        }
    }
}
