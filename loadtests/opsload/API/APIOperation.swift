// The requests that a load of the API is mixed of.

import HTTPTypes
import NIOCore
import PulserIR
import Synchronization

/// What requests need to know of the node, and learn on the way.
final class APIFacts: Sendable {
    /// Runs remembered, to be asked for.
    static let runsMax = 256

    let session: String
    private let known = Mutex<[String]>([])

    init(session: String) { self.session = session }

    /// Remembers a run.
    func add(_ run: String) {
        self.known.withLock { runs in
            if runs.count < Self.runsMax {
                runs.append(run)
            } else {
                runs[Int.random(in: 0..<Self.runsMax)] = run
            }
        }
    }

    /// Some run that was made.
    var run: String { self.known.withLock { $0.randomElement() ?? "00000000" } }
}

/// One kind of request.
struct APIOperation: Sendable {
    var name: String
    var method: HTTPRequest.Method
    /// Path and body of one request.
    var make: @Sendable (APIFacts) -> (path: String, body: JSONValue?)
    /// Whether its answer names a run.
    var makesRun = false

    /// A plan without steps that touch anything.
    static let plan = """
        apiVersion: pulser/v1
        kind: Plan
        metadata: {name: opsload-nothing}
        steps: [{id: nothing, system: {sleep: 0s}}]
        """

    static let all = [
        APIOperation(name: "health", method: .get) { _ in ("/healthz", nil) },
        APIOperation(name: "me", method: .get) { _ in ("/v1/me", nil) },
        APIOperation(name: "sessions.get", method: .get) { ("/v1/sessions/\($0.session)", nil) },
        APIOperation(name: "sessions.list", method: .get) { _ in ("/v1/sessions?limit=20", nil) },
        APIOperation(name: "lanes.list", method: .get) {
            ("/v1/sessions/\($0.session)/lanes", nil)
        },
        APIOperation(name: "runs.get", method: .get) { ("/v1/runs/\($0.run)", nil) },
        APIOperation(name: "runs.list", method: .get) {
            ("/v1/runs?session=\($0.session)&limit=20", nil)
        },
        APIOperation(
            name: "runs.create",
            method: .post,
            make: { facts in
                let lane = "l\(Int.random(in: 0..<8))"
                return (
                    "/v1/runs",
                    .object([
                        "plan": .string(Self.plan), "session": .string(facts.session),
                        "lane": .string(lane),
                    ])
                )
            },
            makesRun: true
        ),
    ]

    static var names: [String] { Self.all.map(\.name) }
}
