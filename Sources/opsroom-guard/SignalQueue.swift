// Which signals the guard hears, as a descriptor it can wait on beside its life-line.

import Glibc

/// The signals SIGCHLD, SIGTERM, SIGINT and SIGHUP, blocked and read from a descriptor.
struct SignalQueue {
    /// Readable when a signal waits.
    let descriptor: Int32

    /// Blocks the signals and opens the queue; `nil` when the system has no `signalfd`.
    init?() {
        var set = sigset_t()
        sigemptyset(&set)
        for signal in [SIGCHLD, SIGTERM, SIGINT, SIGHUP] { sigaddset(&set, signal) }
        guard sigprocmask(SIG_BLOCK, &set, nil) == 0,
            let descriptor = System.signalDescriptor(&set)
        else { return nil }
        self.descriptor = descriptor
    }

    /// Takes the next waiting signal's number; only called when one waits.
    func next() -> Int32? {
        var record: [UInt32] = Array(repeating: 0, count: 32)  // A signalfd_siginfo: 128 bytes.
        guard read(self.descriptor, &record, 128) == 128 else { return nil }
        return Int32(record[0])
    }
}

/// Calls that Glibc's Swift overlay leaves out, found by name.
///
/// The guard has no C of its own so that it stays one small program; `prctl` takes integers only,
/// which Linux passes alike with and without variable arguments.
enum System {
    private typealias Prctl = @convention(c) (Int32, UInt, UInt, UInt, UInt) -> Int32
    private typealias Signalfd = @convention(c) (Int32, UnsafePointer<sigset_t>, Int32) -> Int32

    /// Makes orphans below this process its children instead of those of process 1.
    static func becomeSubreaper() -> Bool {
        let setChildSubreaper: Int32 = 36
        return Self.prctl(setChildSubreaper, 1)
    }

    /// Has the kernel kill this process when its parent ends, however that ends.
    static func dieWithParent() -> Bool {
        let setParentDeathSignal: Int32 = 1
        return Self.prctl(setParentDeathSignal, UInt(SIGKILL))
    }

    private static func prctl(_ option: Int32, _ value: UInt) -> Bool {
        guard let symbol = dlsym(nil, "prctl") else { return false }
        return unsafeBitCast(symbol, to: Prctl.self)(option, value, 0, 0, 0) == 0
    }

    /// A descriptor that reads the signals of `set`.
    static func signalDescriptor(_ set: inout sigset_t) -> Int32? {
        guard let symbol = dlsym(nil, "signalfd") else { return nil }
        let descriptor = unsafeBitCast(symbol, to: Signalfd.self)(-1, &set, O_CLOEXEC | O_NONBLOCK)
        return descriptor >= 0 ? descriptor : nil
    }

    /// Milliseconds of a clock that never goes back.
    static var now: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000
    }
}
