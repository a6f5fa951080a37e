// What all readers of a load have seen together.

import Synchronization

/// Latencies, deliveries and odd things of a load; shared by all event loops.
final class Ledger: Sendable {
    /// Which part of the load it is.
    enum Phase: Int, Sendable, CaseIterable {
        case other
        /// All readers are fast.
        case even
        /// Some are slow.
        case mixed
    }

    struct State: Sendable {
        var deliveries = 0
        /// By phase: of readers that are never slow.
        var fast = Phase.allCases.map { _ in Latencies() }
        /// By phase: of those that are slow in the mixed phase.
        var slow = Phase.allCases.map { _ in Latencies() }
        /// What must not happen, by its sentence.
        var faults: [String: Int] = [:]
        /// What may happen and should be known.
        var counts: [String: Int] = [:]
    }

    private let state = Mutex(State())
    private let current = Atomic<Int>(0)

    var phase: Phase {
        get { Phase(rawValue: self.current.load(ordering: .relaxed)) ?? .other }
        set { self.current.store(newValue.rawValue, ordering: .relaxed) }
    }

    /// What there is now.
    var snapshot: State { self.state.withLock { $0 } }
    var deliveries: Int { self.state.withLock(\.deliveries) }

    /// Takes the latencies of events that came together.
    func record(_ milliseconds: [Int64], isSlow: Bool) {
        let phase = self.current.load(ordering: .relaxed)
        self.state.withLock { state in
            state.deliveries += milliseconds.count
            guard phase != Phase.other.rawValue else { return }
            for latency in milliseconds {
                if isSlow {
                    state.slow[phase].record(microseconds: latency * 1_000)
                } else {
                    state.fast[phase].record(microseconds: latency * 1_000)
                }
            }
        }
    }

    func fault(_ sentence: String) {
        self.state.withLock { $0.faults[sentence, default: 0] += 1 }
    }

    func count(_ what: String) { self.state.withLock { $0.counts[what, default: 0] += 1 } }
}
