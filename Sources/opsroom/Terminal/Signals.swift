// How Ctrl-C and SIGTERM reach a command.

import Dispatch
import Foundation
import Glibc
import Synchronization

enum Signals {
    /// Returns at the first SIGINT or SIGTERM; a second one ends the process at once.
    static func wait() async {
        for await _ in Self.first { return }
    }

    private static let first: AsyncStream<Void> = {
        let (stream, continuation) = AsyncStream<Void>.makeStream()
        let queue = DispatchQueue(label: "signals")
        let sources = [SIGINT, SIGTERM].map { number in
            signal(number, SIG_IGN)
            return DispatchSource.makeSignalSource(signal: number, queue: queue)
        }
        let count = Count()
        for source in sources {
            source.setEventHandler {
                if count.next() > 1 { Glibc.exit(130) }
                continuation.yield()
            }
            source.resume()
        }
        Self.kept.withLock { $0 = sources.map { Box(source: $0) } }
        return stream
    }()

    private static let kept = Lock<[Box]>([])

    /// SAFETY: a dispatch source may be kept and released on any thread.
    private final class Box: @unchecked Sendable {
        let source: any DispatchSourceSignal
        init(source: any DispatchSourceSignal) { self.source = source }
    }

    private final class Count: Sendable {
        private let value = Lock(0)
        func next() -> Int {
            self.value.withLock { value in
                value += 1
                return value
            }
        }
    }
}

private final class Lock<Value: Sendable>: Sendable {
    private let mutex: Mutex<Value>
    init(_ value: Value) { self.mutex = Mutex(value) }
    func withLock<Result: Sendable>(_ body: (inout Value) -> Result) -> Result {
        self.mutex.withLock { value in body(&value) }
    }
}
