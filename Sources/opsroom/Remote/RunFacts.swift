// What commands read of a run's document, whichever door it came through.

import ControlRoom
import PulserIR

/// A run as its document tells it.
struct RunFacts: Sendable {
    /// The document that `-o json` prints.
    let json: JSONValue
    let id: RunID
    let status: RunStatus

    /// - Throws: `failed` when the document is none of a run.
    init(_ json: JSONValue) throws(RoomError) {
        guard let id = json["id"]?.stringValue.flatMap({ RunID($0) }),
            let status = json["status"]?.stringValue.flatMap(RunStatus.init(rawValue:))
        else {
            throw RoomError(
                .failed,
                "the server told of a run in a way that this version does not understand",
                next: "opsroom --version"
            )
        }
        self.json = json
        self.id = id
        self.status = status
    }

    var plan: String { self.text("plan") ?? "" }
    var planDigest: Digest? { self.text("plan_digest").flatMap { Digest($0) } }
    /// `session/lane`.
    var place: String { "\(self.text("session") ?? "")/\(self.text("lane") ?? "")" }
    var failure: String? { self.text("failure") }
    var waitReason: String? { self.text("wait_reason") }
    var enqueuedMilliseconds: Int64 { self.time("enqueued_at") ?? 0 }
    /// When it joins its lane's queue or begins its next attempt, of a run that was put off.
    var dueMilliseconds: Int64? { self.time("due_at") }
    var finishedMilliseconds: Int64? { self.time("finished_at") }
    /// How long it took, once it has ended.
    var tookMilliseconds: Int64? {
        self.time("finished_at").map { $0 - (self.time("started_at") ?? $0) }
    }

    private func text(_ name: String) -> String? { self.json[name]?.stringValue }

    private func time(_ name: String) -> Int64? {
        self.text(name).flatMap(RunProgress.milliseconds)
    }
}
