// How steps that wait hear that something came from outside.

internal import Synchronization

/// News for the waits of one run. Whoever waits takes ``next`` before it looks: what comes after the
/// look lets it go at once.
final class WaitNews: Sendable {
    private let signal = Mutex(StopSignal())

    /// Fired with the next news.
    var next: StopSignal { self.signal.withLock { $0 } }

    /// Something came.
    func fire() {
        let waited = self.signal.withLock { signal in
            let earlier = signal
            signal = StopSignal()
            return earlier
        }
        waited.fire()
    }
}

/// The waits of a node: how many there are, and how all of them are told to look.
final class WaitBoard: Sendable {
    private let news = Mutex<[ObjectIdentifier: (news: WaitNews, count: Int)]>([:])

    /// How many runs wait.
    var count: Int { self.news.withLock(\.count) }

    /// A step begins to wait.
    func enter(_ news: WaitNews) {
        self.news.withLock { $0[ObjectIdentifier(news), default: (news, 0)].count += 1 }
    }

    /// It waits no more.
    func leave(_ news: WaitNews) {
        self.news.withLock { board in
            board[ObjectIdentifier(news)]?.count -= 1
            if board[ObjectIdentifier(news)]?.count == 0 { board[ObjectIdentifier(news)] = nil }
        }
    }

    /// Notices may have been missed: everybody looks.
    func fireAll() {
        for entry in self.news.withLock({ Array($0.values) }) { entry.news.fire() }
    }
}
