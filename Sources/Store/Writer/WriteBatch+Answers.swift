// What the database accepted of a batch, row by row only where it is not all.

internal import Postgres
internal import PulserIR

extension WriteBatch {
    /// What of the rows that were sent the database accepted. Nearly always that is all, and then
    /// nobody has to look for anything.
    enum Kept<Key: Hashable> {
        case all
        case only(Set<Key>)

        func contains(_ key: @autoclosure () -> Key) -> Bool {
            switch self {
            case .all: true
            case .only(let keys): keys.contains(key())
            }
        }
    }

    /// What the database accepted.
    struct Accepted {
        var journal = Kept<JournalKey>.only([])
        /// Claims that were stored with the first write under them.
        var takes = Kept<ClaimKey>.only([])
        var artifacts = Kept<ClaimKey>.only([])
        /// Runs that moved on.
        var moves = Kept<ClaimKey>.only([])
        /// Runs that ended: what was sent with the end, and before it, is stored too.
        var ends = Kept<ClaimKey>.only([])
        var lanes = Kept<Int64>.only([])

        fileprivate var sentEnds: [Submission] = []

        func has(_ submission: Submission) -> Bool {
            if submission.isEnd { return self.ends.contains(ClaimKey(submission.fence)) }
            return self.hasAll(submission) || self.hasEnded(submission)
        }

        private func hasAll(_ submission: Submission) -> Bool {
            let (fence, claim) = (submission.fence, ClaimKey(submission.fence))
            guard submission.version == nil || self.takes.contains(claim),
                submission.transition == nil || self.moves.contains(claim),
                submission.artifacts.isEmpty || self.artifacts.contains(claim)
            else { return false }
            return submission.records.allSatisfy { self.journal.contains(JournalKey(fence, $0)) }
        }

        /// Whether the same batch brought the run's end.
        private func hasEnded(_ submission: Submission) -> Bool {
            let claim = ClaimKey(submission.fence)
            return self.ends.contains(claim)
                && self.sentEnds.contains { ClaimKey($0.fence) == claim }
        }
    }

    func accepted(_ answers: [PostgresRows]) throws(StoreError) -> Accepted {
        var accepted = Accepted()
        accepted.sentEnds = self.ended
        accepted.journal = try self.kept(self.journal, answers) { row throws(StoreError) in
            JournalKey(
                claim: ClaimKey(run: try row.int64(0), claim: try row.int64(3)),
                step: try row.text(1),
                attempt: try row.int64(2)
            )
        }
        accepted.takes = try self.claims(self.takes, answers)
        accepted.moves = try self.claims(self.moves, answers)
        accepted.ends = try self.claims(self.ends, answers)
        accepted.artifacts = try self.claims(self.artifacts, answers)
        accepted.lanes = try self.kept(self.events, answers) { row throws(StoreError) in
            try row.int64(0)
        }
        return accepted
    }

    private func claims(
        _ part: Part?,
        _ answers: [PostgresRows]
    ) throws(StoreError) -> Kept<ClaimKey> {
        try self.kept(part, answers) { row throws(StoreError) in
            ClaimKey(run: try row.int64(0), claim: try row.int64(1))
        }
    }

    private func kept<Key: Hashable>(
        _ part: Part?,
        _ answers: [PostgresRows],
        _ key: (StoreRow) throws(StoreError) -> Key
    ) throws(StoreError) -> Kept<Key> {
        guard let part else { return .only([]) }
        let rows = answers[part.request]
        if rows.count == part.rows, !self.hasReplaced { return .all }
        return .only(Set(try rows.decode(key)))
    }
}
