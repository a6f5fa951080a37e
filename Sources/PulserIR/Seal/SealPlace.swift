// Where a sealed text lies: it opens there and nowhere else.

/// A place of the database, as what is sealed there is bound to it.
///
/// A sealed text that was moved to another run, step or column does not open. A run's inputs are
/// bound to its lane alone: when they are sealed the run has no number yet.
public enum SealPlace: Sendable, Hashable {
    /// A run's inputs; its lane.
    case inputs(lane: Int64)
    /// A run's outputs.
    case outputs(run: RunID)
    /// Why a run did not succeed.
    case failure(run: RunID)
    /// What the journal keeps of an attempt.
    case record(run: RunID, step: String, attempt: Int64)
    /// A signal's payload; its name.
    case signal(run: RunID, name: String)
    /// What a step asks people.
    case question(run: RunID, step: String)
    /// What a person filled in and wrote beside it.
    case decision(run: RunID, step: String, person: String)
    /// A schedule's inputs; its name.
    case schedule(name: String)
    /// A chunk of a lane's log.
    case events(lane: Int64, firstSequence: Int64)
    /// A small artifact's bytes.
    case artifact(run: RunID, step: String, name: String)

    /// What it is called in an error.
    var noun: String {
        switch self {
        case .inputs: "the run's inputs"
        case .outputs(let run): "the outputs of run \(run)"
        case .failure(let run): "the failure of run \(run)"
        case .record(let run, let step, _): "the result of step '\(step)' of run \(run)"
        case .signal(let run, let name): "the signal '\(name)' of run \(run)"
        case .question(let run, let step): "what step '\(step)' of run \(run) asks"
        case .decision(let run, let step, _): "a decision about step '\(step)' of run \(run)"
        case .schedule(let name): "the inputs of schedule '\(name)'"
        case .events(let lane, _): "the log of lane \(lane)"
        case .artifact(let run, _, let name): "the artifact '\(name)' of run \(run)"
        }
    }

    /// Its words, each with its length before it, so that no two places read the same.
    var bytes: [UInt8] {
        let words: [String] =
            switch self {
            case .inputs(let lane): ["inputs", String(lane)]
            case .outputs(let run): ["outputs", String(run.number)]
            case .failure(let run): ["failure", String(run.number)]
            case .record(let run, let step, let attempt):
                ["record", String(run.number), step, String(attempt)]
            case .signal(let run, let name): ["signal", String(run.number), name]
            case .question(let run, let step): ["question", String(run.number), step]
            case .decision(let run, let step, let person):
                ["decision", String(run.number), step, person]
            case .schedule(let name): ["schedule", name]
            case .events(let lane, let first): ["events", String(lane), String(first)]
            case .artifact(let run, let step, let name):
                ["artifact", String(run.number), step, name]
            }
        return words.flatMap { Array("\($0.utf8.count):\($0)".utf8) }
    }
}
