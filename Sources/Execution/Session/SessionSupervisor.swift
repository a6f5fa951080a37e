// Decides how long a session rests on a node where too many of its lanes failed.

internal import Cluster
internal import PulserIR
internal import StateMachines
internal import Synchronization

/// The root of supervision on a node. It never gives up: somebody has to try again, at most twice a
/// minute per session.
final class SessionSupervisor: Sendable {
    private let machine: Mutex<SupervisionMachine<String>>

    init() {
        var rules = SupervisionRules()
        rules.crashesMax = .max
        rules.restartsMax = .max
        rules.stable = .seconds(120)
        rules.backoff.backoffMilliseconds = 5_000
        rules.backoff.backoffMillisecondsMax = 30_000
        self.machine = Mutex(SupervisionMachine(rules: rules))
    }

    /// Takes the failure of a session.
    ///
    /// - Returns: How long it is to rest.
    func faulted(_ session: String) -> Duration {
        let now = NodeClock.now
        return self.machine.withLock { machine in
            if !machine.isLiving(session) { _ = machine.start(session, at: now) }
            let random = Double.random(in: 0..<1)
            let action = machine.ended(session, .crashed(reason: ""), at: now, random: random)
            guard case .restart(_, let pause) = action else { return .seconds(30) }
            _ = machine.start(session, at: now)
            return pause
        }
    }

    /// A session is gone from the node.
    func forget(_ session: String) {
        self.machine.withLock { machine in
            _ = machine.ended(session, .finished, at: NodeClock.now, random: 0)
        }
    }
}
