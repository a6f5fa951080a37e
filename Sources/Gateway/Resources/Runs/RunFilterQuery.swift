// How a request says which runs it means: as parameters of a list, or as the filter of a bulk action.

import FoundationEssentials
import PulserIR
public import Store

/// A choice of runs, read from texts by name.
public struct RunFilterReader {
    /// What `status` takes, each with a `-` before it too, but for the last two.
    public static let statusWords =
        RunStatus.allCases.map(\.rawValue) + [
            "open", "ended", "paused", "dead",
        ]
    /// The names, the same in a query and in a filter.
    static let names = [
        "status", "session", "lane", "key", "template", "plan", "parent", "text",
        "enqueued_after", "enqueued_before", "finished_after", "finished_before", "run", "quiet",
    ]
    /// Names that take several values.
    static let listed: Set<String> = ["status", "run"]
    /// Runs that one choice names at most.
    static let runsMax = 10_000

    /// Bytes of a text to search for.
    static let textBytesMax = 256

    let store: Store

    /// Reads choices of a room's runs.
    public init(store: Store) { self.store = store }

    /// Reads a choice.
    ///
    /// - Parameter lists: Gives the texts of a parameter; empty when absent.
    /// - Returns: The answer.
    /// - Throws: `invalidParameter`, or `notFound` for a parent that is unknown.
    public func read(_ lists: (String) throws(Problem) -> [String]) async throws -> RunQuery {
        var query = RunQuery()
        var words = try lists("status")
        if words.contains("dead") {
            query.isDead = true
            words.removeAll { $0 == "dead" }
        }
        (query.statuses, query.paused) = try Self.statuses(words)
        if query.isDead { try Self.narrowToDead(&query) }
        func one(_ name: String) throws(Problem) -> String? {
            let texts = try lists(name)
            guard texts.count <= 1 else {
                throw Query.problem(name, "'\(name)' takes one value")
            }
            guard let text = texts.first, !text.isEmpty else { return nil }
            guard text.utf8.count <= Self.textBytesMax else {
                throw Query.problem(name, "'\(name)' has at most \(Self.textBytesMax) bytes")
            }
            return text
        }
        query.session = try one("session")
        query.lane = try one("lane")
        query.key = try one("key")
        query.template = try one("template")
        query.plan = try one("plan")
        query.text = try one("text")
        query.enqueuedFrom = try Self.time("enqueued_after", try one("enqueued_after"))
        query.enqueuedBefore = try Self.time("enqueued_before", try one("enqueued_before"))
        query.finishedFrom = try Self.time("finished_after", try one("finished_after"))
        query.finishedBefore = try Self.time("finished_before", try one("finished_before"))
        query.runs = try Self.runs(try lists("run"))
        query.isQuiet = try Self.isQuiet(try one("quiet"))
        if let parent = try one("parent") {
            query.parent = try await self.store.resolveRun(parent)
        }
        return query
    }

    /// Runs by their whole ids: what somebody picked, not what ids may become.
    private static func runs(_ texts: [String]) throws(Problem) -> [RunID] {
        guard texts.count <= Self.runsMax else {
            throw Query.problem("run", "'run' takes at most \(Self.runsMax) ids")
        }
        var runs: [RunID] = []
        for text in texts {
            guard let run = RunID(text) else {
                throw Query.problem(
                    "run",
                    "'\(text.prefix(64))' is not a run's whole id",
                    next: "give ids as lists show them; for the beginning of one use 'text'"
                )
            }
            runs.append(run)
        }
        return runs
    }

    private static func isQuiet(_ text: String?) throws(Problem) -> Bool {
        switch text {
        case nil, "false": false
        case "true": true
        default: throw Query.problem("quiet", "'quiet' is true or false")
        }
    }

    /// Of dead letters only what failed can be asked for.
    private static func narrowToDead(_ query: inout RunQuery) throws(Problem) {
        let known = RunRow.deadStatuses
        guard query.paused == .any, query.statuses.allSatisfy(known.contains) else {
            throw Query.problem(
                "status",
                "'dead' goes with no status but \(known.map(\.rawValue).joined(separator: ", "))",
                next: "leave the others out"
            )
        }
        if query.statuses.isEmpty { query.statuses = known }
    }

    /// Statuses, `open`, `ended`, `paused`, any of them; with a `-` before them all others.
    static func statuses(
        _ words: [String]
    ) throws(Problem) -> (statuses: [RunStatus], paused: PausedRuns) {
        var wanted: Set<RunStatus> = []
        var unwanted: Set<RunStatus> = []
        var isPaused = false
        for word in words {
            let isNegated = word.hasPrefix("-")
            let name = isNegated ? String(word.dropFirst()) : word
            if name == "paused" {
                guard !isNegated else {
                    throw Query.problem(
                        "status",
                        "'-paused' cannot be asked for: paused runs are open ones",
                        next: "leave it out, and look at paused_by"
                    )
                }
                isPaused = true
                continue
            }
            let meant: [RunStatus]
            switch name {
            case "open": meant = RunStatus.allCases.filter { !$0.isTerminal }
            case "ended": meant = RunStatus.allCases.filter(\.isTerminal)
            default:
                guard let status = RunStatus(rawValue: name) else {
                    let known = Self.statusWords
                    throw Query.problem(
                        "status",
                        "'\(name.prefix(64))' is no status",
                        next: Suggestion.hint(for: name, among: known)
                            ?? "known here: \(known.joined(separator: ", "))"
                    )
                }
                meant = [status]
            }
            if isNegated { unwanted.formUnion(meant) } else { wanted.formUnion(meant) }
        }
        let isUnion = isPaused && !wanted.isEmpty
        guard !isUnion || unwanted.isEmpty else {
            throw Query.problem(
                "status",
                "'paused' beside another status cannot be narrowed by a '-'",
                next: "name the statuses that are wanted"
            )
        }
        if !unwanted.isEmpty, wanted.isEmpty { wanted = Set(RunStatus.allCases) }
        let left = wanted.subtracting(unwanted)
        guard !left.isEmpty || wanted.isEmpty else {
            throw Query.problem("status", "no status is left", next: "take away fewer statuses")
        }
        return (
            RunStatus.allCases.filter(left.contains),
            isUnion ? .too : isPaused ? .only : .any
        )
    }

    /// A moment: RFC 3339, or milliseconds since 1970.
    ///
    /// - Parameters:
    ///   - name: The parameter's name, for the problem.
    ///   - text: What was given for it; `nil` when nothing was.
    /// - Returns: Milliseconds since 1970; `nil` when nothing was given.
    /// - Throws: `invalidParameter`.
    public static func time(_ name: String, _ text: String?) throws(Problem) -> Int64? {
        // In a query a + that was not encoded is a space.
        guard let text = text?.replacing(" ", with: "+") else { return nil }
        if let number = Int64(text), (0...253_402_300_799_999).contains(number) { return number }
        for style in [
            Date.ISO8601FormatStyle(includingFractionalSeconds: false),
            Date.ISO8601FormatStyle(includingFractionalSeconds: true),
        ] {
            guard let date = try? style.parse(text) else { continue }
            let milliseconds = date.timeIntervalSince1970 * 1_000
            if (0...253_402_300_799_999).contains(milliseconds) { return Int64(milliseconds) }
        }
        throw Query.problem(
            name,
            "'\(name)' is not a time",
            next: "write it as 2026-11-20T12:00:00Z, or as milliseconds since 1970"
        )
    }
}
