// What the desk says, as the API answers it.

import HTTPTypes
import PulserIR

extension Problem {
    /// The desk's error.
    init(_ error: DeskError) {
        switch error.code {
        case .inputsTooLarge:
            self.init(.invalidInputs, error.message, next: "upload large inputs: POST /v1/uploads")
        case .unknownSession:
            self.init(.notFound, error.message, next: "make it first: POST /v1/sessions")
        case .endedSession:
            self.init(.conflict, error.message, next: "use a session that is active")
        case .keyInUse:
            self.init(.idempotencyConflict, error.message, next: "use a new key for a new request")
        case .underWay(let run):
            self.init(
                .conflict,
                error.message,
                next: "wait for its end, or POST /v1/runs/\(run)/cancel"
            )
        case .unknownStep(let run):
            self.init(.invalidBody, error.message, next: "GET /v1/runs/\(run)/steps lists them")
        case .nothingToDo(_, let step):
            self.init(.conflict, error.message, next: "send {\"from\":\"\(step)\"}")
        case .notSkipped(let run):
            self.init(
                .conflict,
                error.message,
                next: "look at its steps: GET /v1/runs/\(run)/steps"
            )
        case .undecided(let run):
            self.init(
                .conflict,
                error.message,
                next: "have it asked again: POST /v1/runs/\(run)/retry"
            )
        case .changed(let run):
            self.init(.conflict, error.message, next: "look at it again: GET /v1/runs/\(run)")
        case .notUnique(let run):
            self.init(
                .conflict,
                error.message,
                next: "wait for its end, or POST /v1/runs/\(run)/cancel",
                fields: [.location: "/v1/runs/\(run)"]
            )
            self.members["run"] = .string(run.description)
        case .notStored: self.init(.internal, error.message, next: "try again")
        }
    }
}
