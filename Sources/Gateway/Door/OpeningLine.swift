// How many event streams are opened at the same moment: when thousands come back, memory must not hold all at once.

import Synchronization

/// Lets so many in at a time; the others wait in order.
///
/// A request on its way through the router holds some 20 KB of frames, one in line about one. Those
/// who come back after a node's end come together, and what they take at once the process never
/// quite gives back. Opening is short: a wait ends when those before have had their answer, each
/// of which has a deadline of its own.
final class OpeningLine: Sendable {
    /// Streams opened at once on a node.
    static let placesMax = 64

    fileprivate struct State {
        var places: Int
        var waiting: [CheckedContinuation<Void, Never>] = []
        /// The waiters before this one have gone; they are dropped many at a time.
        var first = 0
    }

    private let state: Mutex<State>

    init(places: Int = OpeningLine.placesMax) { self.state = Mutex(State(places: places)) }

    /// How many wait.
    var waitingCount: Int { self.state.withLock { $0.waiting.count - $0.first } }

    /// Does `body` as soon as there is a place.
    func turn<Value>(_ body: () async -> Value) async -> Value {
        if !self.state.withLock({ $0.take() }) {
            await withCheckedContinuation { waiter in
                let isFree = self.state.withLock { state in
                    if state.take() { return true }
                    state.waiting.append(waiter)
                    return false
                }
                if isFree { waiter.resume() }
            }
        }
        defer { self.state.withLock { $0.give() }?.resume() }
        return await body()
    }
}

extension OpeningLine.State {
    fileprivate mutating func take() -> Bool {
        guard self.places > 0 else { return false }
        self.places -= 1
        return true
    }

    /// Gives a place back, or on to who waits longest.
    fileprivate mutating func give() -> CheckedContinuation<Void, Never>? {
        guard self.first < self.waiting.count else {
            self.places += 1
            return nil
        }
        defer {
            self.first += 1
            if self.first == self.waiting.count || self.first >= 1_024 {
                self.waiting.removeFirst(self.first)
                self.first = 0
            }
        }
        return self.waiting[self.first]
    }
}
