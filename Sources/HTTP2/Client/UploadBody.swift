// Sends what an asynchronous sequence gives, as fast as the server reads.

internal import NIOCore

/// The body of a request that comes from a sequence. Confined to the event loop.
final class UploadBody: PulledBody {
    private let source: any PulledBody
    private let task: Task<Void, Never>

    /// Begins to take chunks of a sequence.
    init<Chunks: AsyncSequence & Sendable>(_ chunks: Chunks, for stream: any BodyStream)
    where Chunks.Element == ByteBuffer {
        let bytes = WrittenBody(stream.eventLoop)
        self.source = bytes.source(of: stream)
        // SAFETY: cancelled when the stream is over; its writes fail then.
        self.task = Task {
            do {
                for try await chunk in chunks { try await bytes.write(chunk) }
                bytes.finish(nil)
            } catch {
                bytes.abort()
            }
        }
    }

    func pull(upTo bytesMax: Int, into buffer: inout ByteBuffer) -> BodyPull {
        self.source.pull(upTo: bytesMax, into: &buffer)
    }

    func closed(_ error: HTTP2Error?) {
        self.source.closed(error)
        self.task.cancel()
    }
}
