// Which runs hold something up: those under way, each with what it waits for.

import PulserIR

enum OpenRuns {
    /// At most so many runs are looked at.
    private static let max = 50

    /// The first runs under way whose `why` fits.
    static func find(
        _ room: any RoomAccess,
        where isWanted: (JSONValue) -> Bool
    ) async throws -> [JSONValue] {
        let open = try await room.runs(
            RunQuery(filters: ["status": ["claimed", "running", "waiting"]], limit: Self.max)
        )
        var runs: [JSONValue] = []
        for run in open {
            let why = try await room.why(run.id)
            if isWanted(why) { runs.append(why) }
        }
        return runs
    }

    /// One run for people.
    static func line(_ why: JSONValue) -> String {
        func text(_ name: String) -> String { ClusterPicture.text(why, name) }
        return "run \(text("run")) in \(text("session"))/\(text("lane")): \(text("reason"))"
    }
}
