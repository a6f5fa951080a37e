// Decides what a campaign reads of its database.

import FoundationEssentials

extension OwnDatabase {
    /// All rows of a view of `loadtests/faults.sql`, every value as text.
    nonisolated func table(_ view: String) async throws -> [[String]] {
        try await self.rows("TABLE faults.\(view)")
    }

    /// Writes every view into a folder, for whoever looks into what happened.
    nonisolated func keep(in folder: String) async throws {
        for view in ["lanes", "nodes", "runs", "steps", "chunks", "shards", "claims"] {
            let text = try await self.table(view).map { $0.joined(separator: "\t") + "\n" }.joined()
            try? Data(text.utf8).write(to: URL(fileURLWithPath: "\(folder)/\(view).tsv"))
        }
    }
}

extension FaultEvidence {
    /// Takes what the database has.
    mutating func read(_ database: OwnDatabase) async throws {
        func number(_ text: String) -> Int64 { Int64(text) ?? 0 }
        self.lanes = try await database.table("lanes").map {
            Lane(id: number($0[0]), name: $0[1], shard: number($0[2]))
        }
        self.nodes = try await database.table("nodes").map {
            Node(epoch: number($0[0]), name: $0[1], started: number($0[2]))
        }
        self.runs = try await database.table("runs").map {
            Run(
                id: number($0[0]),
                lane: number($0[1]),
                plan: $0[2],
                status: $0[3],
                failure: $0[4],
                enqueued: number($0[5]),
                started: number($0[6]),
                finished: $0[7] == "0" ? .max : number($0[7]),
                firstSequence: number($0[8]),
                lastSequence: number($0[9])
            )
        }
        self.steps = try await database.table("steps").map {
            Step(
                run: number($0[0]),
                step: $0[1],
                attempt: Int(number($0[2])),
                state: $0[3],
                isSuperseded: $0[4] == "t",
                ended: number($0[5])
            )
        }
        self.chunks = [:]
        for row in try await database.table("chunks") {
            let chunk = (
                first: number(row[1]), count: Int(number(row[2])), bytes: Array(row[3].utf8)
            )
            self.chunks[number(row[0]), default: []].append(chunk)
        }
        self.shardChanges = try await database.table("shards").map {
            ShardChange(
                at: number($0[0]),
                shard: number($0[1]),
                owner: number($0[2]),
                generation: number($0[3]),
                state: $0[4]
            )
        }
        self.claims = try await database.table("claims").map {
            Claim(
                at: number($0[0]),
                run: number($0[1]),
                lane: number($0[2]),
                owner: number($0[3])
            )
        }
    }
}
