// Decides where connections run: one thread that waits for sockets, timers and jobs together.

import CLibpq
import Glibc
import Synchronization

/// A thread with a readiness queue that actors can be pinned to.
///
/// Socket readiness, timers and the jobs of its actors all run on the one thread, so a reply is read and its
/// caller resumed without changing threads. Owner: the process. Ends: never.
// SAFETY: `inbox` is locked; everything below "thread-confined" is touched by the poller's own thread only.
@safe final class PollerExecutor: SerialExecutor, @unchecked Sendable {
    private enum Entry {
        case job(UnownedJob)
        case call(@Sendable () -> Void)
    }

    /// What a watched descriptor is ready for.
    struct Readiness {
        var readable: Bool
        var writable: Bool
    }

    private struct Timer {
        var fireAtNanoseconds: UInt64
        var body: () -> Void
    }

    private static let shared: [PollerExecutor] = (0..<2).map { _ in PollerExecutor() }
    private static let nextShared = Atomic<Int>(0)

    private let inbox = Mutex<[Entry]>([])
    private let epollDescriptor: Int32
    private let wakeDescriptor: Int32
    private let threadID = Atomic<UInt>(0)
    // Thread-confined from here on.
    private var watchers: [Int32: (Readiness) -> Void] = [:]
    private var timers: [UInt64: Timer] = [:]
    private var nextTimer: UInt64 = 1

    private init() {
        self.epollDescriptor = epoll_create1(Int32(EPOLL_CLOEXEC))
        self.wakeDescriptor = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
        precondition(self.epollDescriptor >= 0 && self.wakeDescriptor >= 0, "no descriptors left")
        self.control(EPOLL_CTL_ADD, self.wakeDescriptor, writable: false)
        precondition(SideThread.start { self.loop() }, "no thread for the Postgres poller")
    }

    /// One of the process's pollers, in turn.
    static func next() -> PollerExecutor {
        let turn = Self.nextShared.wrappingAdd(1, ordering: .relaxed).oldValue
        return Self.shared[(turn & Int.max) % Self.shared.count]
    }

    /// Monotonic time.
    static func nowNanoseconds() -> UInt64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    // MARK: Executor

    func enqueue(_ job: consuming ExecutorJob) {
        self.push(.job(UnownedJob(job)))
    }

    func checkIsolated() {
        precondition(self.isCurrent, "not on the connection's poller thread")
    }

    func isIsolatingCurrentContext() -> Bool? { self.isCurrent }

    private var isCurrent: Bool { self.threadID.load(ordering: .relaxed) == UInt(pthread_self()) }

    /// Runs `body` on the poller's thread, after everything submitted before it.
    func submit(_ body: @escaping @Sendable () -> Void) { self.push(.call(body)) }

    private func push(_ entry: Entry) {
        let wasEmpty = self.inbox.withLock { inbox in
            inbox.append(entry)
            return inbox.count == 1
        }
        // The thread looks at its inbox before it sleeps, so it need not wake itself.
        if wasEmpty, !self.isCurrent {
            var one: UInt64 = 1
            _ = unsafe write(self.wakeDescriptor, &one, 8)
        }
    }

    // MARK: On the poller's thread only

    /// Calls `body` whenever `descriptor` can be read.
    func watch(_ descriptor: Int32, _ body: @escaping (Readiness) -> Void) {
        self.watchers[descriptor] = body
        self.control(EPOLL_CTL_ADD, descriptor, writable: false)
    }

    /// Changes what `descriptor` is watched for.
    func update(_ descriptor: Int32, readable: Bool = true, writable: Bool) {
        self.control(EPOLL_CTL_MOD, descriptor, readable: readable, writable: writable)
    }

    /// Stops watching `descriptor`; call before it is closed.
    func unwatch(_ descriptor: Int32) {
        if self.watchers.removeValue(forKey: descriptor) != nil {
            self.control(EPOLL_CTL_DEL, descriptor, writable: false)
        }
    }

    /// Calls `body` once at `fireAtNanoseconds` of the monotonic clock.
    func schedule(at fireAtNanoseconds: UInt64, _ body: @escaping () -> Void) -> UInt64 {
        self.nextTimer += 1
        self.timers[self.nextTimer] = Timer(fireAtNanoseconds: fireAtNanoseconds, body: body)
        return self.nextTimer
    }

    /// Forgets a timer.
    func cancelTimer(_ id: UInt64) { self.timers[id] = nil }

    private func control(
        _ operation: Int32,
        _ descriptor: Int32,
        readable: Bool = true,
        writable: Bool
    ) {
        var event = unsafe epoll_event()
        unsafe event.events =
            (readable ? EPOLLIN.rawValue : 0) | (writable ? EPOLLOUT.rawValue : 0)
        unsafe event.data.fd = descriptor
        _ = unsafe epoll_ctl(self.epollDescriptor, operation, descriptor, &event)
    }

    private func loop() {
        self.threadID.store(UInt(pthread_self()), ordering: .relaxed)
        let executor = unsafe self.asUnownedSerialExecutor()
        var events = unsafe [epoll_event](repeating: epoll_event(), count: 64)
        while true {
            let entries = self.inbox.withLock { inbox in
                let taken = inbox
                inbox.removeAll()
                return taken
            }
            for entry in entries {
                switch entry {
                case .job(let job): unsafe job.runSynchronously(on: executor)
                case .call(let body): body()
                }
            }
            self.fireTimers()
            let timeout = self.timeoutMilliseconds()
            let count = unsafe epoll_wait(self.epollDescriptor, &events, 64, timeout)
            for index in 0..<max(0, Int(count)) { unsafe self.deliver(events[index]) }
        }
    }

    private func deliver(_ event: epoll_event) {
        let descriptor = unsafe event.data.fd
        if descriptor == self.wakeDescriptor {
            var drained: UInt64 = 0
            _ = unsafe read(descriptor, &drained, 8)
            return
        }
        let ready = unsafe event.events
        let failed = ready & (EPOLLERR.rawValue | EPOLLHUP.rawValue) != 0
        self.watchers[descriptor]?(
            Readiness(
                readable: failed || ready & EPOLLIN.rawValue != 0,
                writable: failed || ready & EPOLLOUT.rawValue != 0
            )
        )
    }

    private func fireTimers() {
        guard !self.timers.isEmpty else { return }
        let now = Self.nowNanoseconds()
        let due = self.timers.filter { $0.value.fireAtNanoseconds <= now }
        for (id, _) in due.sorted(by: { $0.value.fireAtNanoseconds < $1.value.fireAtNanoseconds }) {
            // A timer that fired before may have cancelled this one.
            self.timers.removeValue(forKey: id)?.body()
        }
    }

    private func timeoutMilliseconds() -> Int32 {
        if self.inbox.withLock({ !$0.isEmpty }) { return 0 }
        guard let next = self.timers.values.map(\.fireAtNanoseconds).min() else { return -1 }
        let now = Self.nowNanoseconds()
        return next <= now ? 0 : Int32(clamping: (next - now) / 1_000_000 + 1)
    }
}

extension Duration {
    /// The duration in nanoseconds, at least 0.
    var nanoseconds: UInt64 {
        let (seconds, attoseconds) = self.components
        guard seconds >= 0, attoseconds >= 0 else { return 0 }
        // Longer than a century is as good as for ever.
        return min(UInt64(seconds), 3_153_600_000) * 1_000_000_000
            + UInt64(attoseconds / 1_000_000_000)
    }
}
