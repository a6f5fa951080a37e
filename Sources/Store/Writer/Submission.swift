// What an actor hands to the writer at once, taken apart and written as text where it is made.

internal import PulserIR
internal import Synchronization

/// A run's writes of one moment. The writer's turn is for laying them out: many wait for it.
final class Submission: Sendable {
    let fence: RunFence
    let log: LaneLog
    let waiter: CheckedContinuation<StoreError?, Never>?
    /// Intents and results, but for those that travel with the run's end.
    let records: [StepRecord]
    let artifacts: [ArtifactRow]
    /// How the run moves on.
    let transition: RunTransition?
    /// Whether it ends.
    let isEnd: Bool
    /// Of a run whose claim is not stored yet the version of its row for which it is.
    let version: RunVersion?
    /// Whether it ends without anything that only a claimed run can write.
    let isWhole: Bool
    /// The last results of a run that never had a journal row, as an ended run keeps them.
    let carriedSteps: String?
    /// Bytes of files and of what the run ends with; its events count with their lane's log.
    let byteCount: Int
    private let lines: EventLines
    private let last: Atomic<Int64>
    private let appended = Atomic<Int64>(0)

    init(
        fence: RunFence,
        writes: [RunWrite],
        log: LaneLog,
        version: RunVersion? = nil,
        seal: SealRing?,
        waiter: CheckedContinuation<StoreError?, Never>?
    ) {
        var records: [StepRecord] = []
        var artifacts: [ArtifactRow] = []
        var transition: RunTransition?
        var lines = EventLines()
        for write in writes {
            switch write {
            case .journal(let record): records.append(record)
            case .artifact(let artifact): artifacts.append(artifact)
            case .transition(let moved): transition = moved
            case .event(let event): lines.append(event)
            }
        }
        let isEnd = transition?.status.isTerminal ?? false
        let carries = isEnd && transition?.hasJournal == false
        self.fence = fence
        self.log = log
        self.waiter = waiter
        self.artifacts = artifacts
        self.transition = transition
        self.isEnd = isEnd
        self.version = version
        self.isWhole = carries && artifacts.isEmpty
        self.lines = lines
        self.last = Atomic(transition?.lastSequence ?? 0)
        self.carriedSteps = carries ? Self.folded(records, fence, seal) : nil
        self.records = carries ? [] : records
        self.byteCount =
            artifacts.reduce(0) { $0 + ($1.content?.count ?? 0) }
            + (self.carriedSteps?.utf8.count ?? 0) + (transition?.outputs?.utf8.count ?? 0)
    }

    private static func folded(
        _ records: [StepRecord],
        _ fence: RunFence,
        _ seal: SealRing?
    ) -> String? {
        guard records.count > 1 else {
            return records.first.map {
                "[\(FoldedStep($0, of: fence.run, claim: fence.claimNumber, seal).text)]"
            }
        }
        var latest: [FoldedStep.Key: FoldedStep] = [:]
        var order: [FoldedStep.Key] = []
        for record in records {
            let step = FoldedStep(record, of: fence.run, claim: fence.claimNumber, seal)
            if latest.updateValue(step, forKey: step.key) == nil { order.append(step.key) }
        }
        return "[" + order.compactMap { latest[$0]?.text }.joined(separator: ",") + "]"
    }

    /// Where the run's events begin, as far as this says so.
    var begin: Int64? {
        if let known = self.version?.firstSequence ?? self.transition?.firstSequence {
            return known
        }
        return self.lines.count > 0 ? self.sequences.lowerBound : nil
    }

    /// Where the run's events end so far.
    var lastSequence: Int64 { self.last.load(ordering: .relaxed) }

    /// Puts the submission's events into the log: only now, so that they are in the chunk of the
    /// very commit that stores what they tell of. Called once, by the writer.
    func appendEvents() {
        guard self.lines.count > 0 else { return }
        let last = self.log.append(self.lines)
        self.appended.store(last, ordering: .relaxed)
        if last > self.lastSequence { self.last.store(last, ordering: .relaxed) }
    }

    /// The numbers that its events have; none before they are appended.
    var sequences: Range<Int64> {
        let end = self.appended.load(ordering: .relaxed) + 1
        return end > 1 ? end - Int64(self.lines.count)..<end : 0..<0
    }
}
