// How shards on their way are waited for: who has arrived, who was kept back, what is in the way.

import ControlRoom
import PulserIR

/// Shards that somebody wants elsewhere, as they wait for them.
struct ShardTrip: Sendable {
    let room: any RoomAccess
    /// By shard, the name of the node it goes to.
    let targets: [Int64: String]
    /// How somebody is told of it.
    var patience = Patience()

    /// Where shards are on their way.
    struct Place: Equatable {
        /// Their targets serve them.
        var arrived: [Int64] = []
        /// Not yet.
        var underWay: [Int64] = []
        /// They go nowhere any more: why, by shard.
        var kept: [Int64: String] = [:]
        /// The state of those.
        var states: [Int64: String] = [:]

        /// Names the runs for whose sake shards were kept.
        mutating func explain(in room: any RoomAccess) async throws {
            let kept = self.kept
            guard !kept.isEmpty else { return }
            let runs = try await OpenRuns.find(room) {
                kept[ClusterPicture.number($0, "shard")] != nil
            }
            for run in runs {
                self.kept[ClusterPicture.number(run, "shard")]? += ", with \(OpenRuns.line(run))"
            }
        }
    }

    /// Waits for what a document of moves set on its way; gives the document with what came of it.
    ///
    /// - Parameters:
    ///   - document: What the moves were answered with.
    ///   - room: Where.
    ///   - limit: How long.
    ///   - patience: How somebody is told of it.
    /// - Returns: The document; each move with its state as it is then.
    /// - Throws: `timedOut`; the moves go on then.
    static func wait(
        for document: JSONValue,
        in room: any RoomAccess,
        within limit: Duration,
        _ patience: Patience = Patience()
    ) async throws -> JSONValue {
        var targets: [Int64: String] = [:]
        for move in document["moves"]?.arrayValue ?? [] where ShardMoves.isUnderWay(move) {
            targets[ClusterPicture.number(move, "shard")] = ClusterPicture.text(move, "to")
        }
        guard !targets.isEmpty else { return document }
        let trip = ShardTrip(room: room, targets: targets, patience: patience)
        var place = try await trip.wait(within: limit)
        try await place.explain(in: room)
        return ShardMoves.tell(place, in: document)
    }

    /// Waits until all have arrived or go nowhere any more.
    func wait(within limit: Duration) async throws -> Place {
        var machine = PatienceMachine(self.patience, limit: limit, at: .now)
        let board = LiveBoard(self.patience.terminal)
        while true {
            let rows = try await self.room.shards(of: nil, in: nil)
            let place = self.place(rows)
            if place.underWay.isEmpty {
                await board.erase()
                return place
            }
            let step = machine.look(at: .now)
            let line =
                "\(place.arrived.count) of \(Self.count(self.targets.count)) arrived, "
                + "\(place.underWay.count) to go"
            await board.show([line])
            if step.tellsLine { await board.say(line) }
            if step.namesCulprits {
                for culprit in try await self.culprits(place, rows) { await board.say(culprit) }
            }
            guard !step.isOver else {
                await board.erase()
                throw RoomError(
                    .timedOut,
                    "\(Self.count(place.underWay.count)) to go: \(Self.names(place.underWay)); "
                        + "the move goes on",
                    next: "opsroom shards list --state handing_off --all"
                )
            }
            try await Task.sleep(for: .milliseconds(250))
        }
    }

    /// `3 shards`.
    static func count(_ shards: Int) -> String { "\(shards) shard\(shards == 1 ? "" : "s")" }

    /// Where the shards are by these rows.
    func place(_ rows: [JSONValue]) -> Place {
        var place = Place()
        for row in rows {
            let shard = ClusterPicture.number(row, "shard")
            guard let target = self.targets[shard] else { continue }
            let owner = row["owner"]?.stringValue
            place.states[shard] = ClusterPicture.text(row, "state")
            switch ClusterPicture.text(row, "state") {
            case "running" where owner == target: place.arrived.append(shard)
            case "assigned" where owner == target: place.underWay.append(shard)
            case "handing_off" where row["target"]?.stringValue == target:
                place.underWay.append(shard)
            case "free": place.kept[shard] = "nobody owns it any more"
            default: place.kept[shard] = "\(owner ?? "nobody") has it"
            }
        }
        return place
    }

    /// Every shard still to go, with the runs that hold it.
    private func culprits(_ place: Place, _ rows: [JSONValue]) async throws -> [String] {
        let wanted = Set(place.underWay)
        let runs = try await OpenRuns.find(self.room) {
            wanted.contains(ClusterPicture.number($0, "shard"))
        }
        let held = Set(runs.map { ClusterPicture.number($0, "shard") })
        let others = rows.filter {
            let shard = ClusterPicture.number($0, "shard")
            return wanted.contains(shard) && !held.contains(shard)
        }
        return runs.map {
            "! shard \(ClusterPicture.number($0, "shard")) waits for \(OpenRuns.line($0))"
        }
            + others.map {
                "! shard \(ClusterPicture.number($0, "shard")) is "
                    + "\(ClusterPicture.text($0, "state")) at \(ClusterPicture.text($0, "owner")), "
                    + "for \(ClusterPicture.time($0, "state_ms"))"
            }
    }

    private static func names(_ shards: [Int64]) -> String {
        ShardRanges(shards.map { Int32($0) }).text(8)
    }
}

/// A document of moves, for people.
enum ShardMoves {
    /// Whether a move is still to be waited for.
    static func isUnderWay(_ move: JSONValue) -> Bool {
        ["moves", "under_way"].contains(ClusterPicture.text(move, "outcome"))
    }

    /// The document with what came of its moves: those that arrived are `there`, those that were
    /// kept back `passed_over`.
    static func tell(_ place: ShardTrip.Place, in document: JSONValue) -> JSONValue {
        guard case .object(var members) = document else { return document }
        let arrived = Set(place.arrived)
        let moves = (document["moves"]?.arrayValue ?? []).map { move in
            guard case .object(var row) = move, Self.isUnderWay(move) else { return move }
            let shard = ClusterPicture.number(move, "shard")
            let to = ClusterPicture.text(move, "to")
            if arrived.contains(shard) {
                row["outcome"] = "there"
                row["reason"] = .string("\(to) has it now")
                row["state"] = "running"
                return JSONValue.object(row)
            }
            guard let reason = place.kept[shard] else { return move }
            row["outcome"] = "passed_over"
            row["reason"] = .string("it did not go to \(to): \(reason)")
            if let state = place.states[shard] { row["state"] = .string(state) }
            return JSONValue.object(row)
        }
        members["moves"] = .array(moves)
        return .object(members)
    }

    /// The document with the runs that its moves would wait for.
    static func explain(
        _ document: JSONValue,
        in room: any RoomAccess
    ) async throws -> JSONValue {
        guard case .object(var members) = document else { return document }
        let moving = (document["moves"]?.arrayValue ?? []).filter(Self.isUnderWay)
        let shards = Set(moving.map { ClusterPicture.number($0, "shard") })
        let runs =
            shards.isEmpty
            ? []
            : try await OpenRuns.find(room) {
                shards.contains(ClusterPicture.number($0, "shard"))
            }
        members["runs"] = .array(runs)
        return .object(members)
    }

    /// What a document says, grouped: shards of one fate in one line.
    static func lines(_ document: JSONValue) -> [String] {
        let moves = document["moves"]?.arrayValue ?? []
        if let reason = document["reason"]?.stringValue { return ["nothing moves: \(reason)"] }
        var groups: [(outcome: String, reason: String, shards: [Int32])] = []
        for move in moves {
            let outcome = ClusterPicture.text(move, "outcome")
            let reason = ClusterPicture.text(move, "reason")
            let shard = Int32(ClusterPicture.number(move, "shard"))
            if let index = groups.firstIndex(where: { $0.outcome == outcome && $0.reason == reason }
            ) {
                groups[index].shards.append(shard)
            } else {
                groups.append((outcome, reason, [shard]))
            }
        }
        let lines = groups.map { group in
            let sign: (String, Style) =
                switch group.outcome {
                case "there", "kept": ("✓", .green)
                case "passed_over": ("!", .yellow)
                default: ("▶", .cyan)
                }
            let isOne = group.shards.count == 1
            return Terminal.output.styled(sign.0, sign.1)
                + " \(isOne ? "shard" : "shards") \(ShardRanges(group.shards).text(8)): "
                + (isOne ? group.reason : Self.plural(group.reason))
        }
        let runs = document["runs"]?.arrayValue ?? []
        return lines + runs.map { "  it would wait for \(OpenRuns.line($0))" }
    }

    /// What is said of one shard, of several.
    private static func plural(_ reason: String) -> String {
        let reason = reason.replacing(" has it ", with: " has them ")
        return reason.hasPrefix("it ") ? "each " + reason.dropFirst(3) : reason
    }

    /// Whether something was passed over.
    static func isBad(_ document: JSONValue) -> Bool {
        (document["moves"]?.arrayValue ?? []).contains {
            ClusterPicture.text($0, "outcome") == "passed_over"
        }
    }
}
