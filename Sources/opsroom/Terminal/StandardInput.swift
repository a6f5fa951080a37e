// How a program notices that whoever started it is gone.

import Dispatch
import Glibc

enum StandardInput {
    /// Returns when standard input has ended, or the task is cancelled; what is read is dropped.
    static func end() async {
        let ends = AsyncStream<Void>.makeStream()
        let source = DispatchSource.makeReadSource(fileDescriptor: STDIN_FILENO)
        source.setEventHandler {
            var buffer = [UInt8](repeating: 0, count: 4_096)
            let count = read(STDIN_FILENO, &buffer, buffer.count)
            let isOver = count == 0 || count < 0 && errno != EINTR && errno != EAGAIN
            if isOver { ends.continuation.finish() }
        }
        source.resume()
        for await _ in ends.stream {}
        source.cancel()
    }
}
