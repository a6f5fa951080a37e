// How the guard notices that its node is gone, and how it tells the node what happens.

import Glibc

/// The guard's standard input.
///
/// It never carries data towards the guard: its end is the message. The kernel closes the node's
/// side however the node dies. When it is a socket it also carries short lines back: `child PID
/// START-TIME` of what is about to become the program, `started`, `failed CODE SENTENCE`, `exit CODE`,
/// `signal NUMBER`. A stream that ends without one of the last three tells the node that the guard
/// was killed.
enum LifeLine {
    /// Tells the node; without a socket nobody listens and nothing happens.
    static func report(_ line: String) {
        let bytes = Array((line + "\n").utf8)
        _ = send(
            STDIN_FILENO,
            bytes,
            bytes.count,
            Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT)
        )
    }

    /// Whether the other side has closed, asked when `poll` says that something happened.
    static func isClosed() -> Bool {
        var buffer: [UInt8] = Array(repeating: 0, count: 256)
        let count = read(STDIN_FILENO, &buffer, buffer.count)
        if count < 0 { return errno != EINTR && errno != EAGAIN }
        return count == 0
    }
}
