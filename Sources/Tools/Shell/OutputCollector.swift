// How a program's bytes become redacted lines within the bounds of a step.

import PulserIR
import Subprocess
import Synchronization

/// Both streams of one program on their way to the run's output and to its result.
final class OutputCollector: Sendable {
    /// What a stream leaves behind for the result.
    struct Summary: Sendable {
        /// The kept text.
        var text: String
        /// Whether anything of the stream is missing in the text or in the output.
        var isTruncated: Bool
    }

    private enum Verdict {
        case emit
        case mark
        case drop
    }

    private let redactor: Redactor
    private let emit: @Sendable (OutputLine) async -> Void
    /// Bytes emitted by both streams together; past the limit nothing is emitted any more.
    private let emittedBytes = Mutex<Int>(0)

    init(redactor: Redactor, emit: @escaping @Sendable (OutputLine) async -> Void) {
        self.redactor = redactor
        self.emit = emit
    }

    /// Reads one stream to its end; whatever happens, the pipe is drained.
    func collect(
        _ bytes: SubprocessOutputSequence,
        from stream: OutputLine.Stream
    ) async -> Summary {
        // The overlap lets a secret at the cut be seen whole before it is cut away.
        var splitter = LineSplitter(
            bytesMax: Limits.outputLineBytesMax + self.redactor.needleBytesMax
        )
        var kept = KeptText(bytesMax: Limits.resultTextBytesMax)
        var isTruncated = false
        do {
            for try await buffer in bytes {
                for line in splitter.feed(buffer.withUnsafeBytes { Array($0) }) {
                    isTruncated = await self.deliver(line, from: stream, &kept) || isTruncated
                }
            }
        } catch {
            // The pipe broke: what was read so far is all there is.
            isTruncated = true
        }
        if let line = splitter.finish() {
            isTruncated = await self.deliver(line, from: stream, &kept) || isTruncated
        }
        let text = kept.finish()
        return Summary(text: text, isTruncated: isTruncated || kept.bytesLost > 0)
    }

    /// Emits a line or drops it; true when something of it is lost.
    private func deliver(
        _ line: LineSplitter.Line,
        from stream: OutputLine.Stream,
        _ kept: inout KeptText
    ) async -> Bool {
        let (text, isCut) = self.present(line)
        kept.append(Array((text + line.end).utf8))
        switch self.judge(text.utf8.count + 1) {
        case .emit:
            await self.emit(OutputLine(stream: stream, text: text))
            return isCut
        case .mark:
            let limit = Limits.outputStepBytesMax >> 20
            let mark = "… [cut: the step wrote more than \(limit) MiB; the rest is not kept]"
            await self.emit(OutputLine(stream: stream, text: mark, isTruncationMark: true))
            return true
        case .drop:
            return true
        }
    }

    private func judge(_ count: Int) -> Verdict {
        self.emittedBytes.withLock { emitted in
            if emitted > Limits.outputStepBytesMax { return .drop }
            emitted += count
            return emitted > Limits.outputStepBytesMax ? .mark : .emit
        }
    }

    /// The line as it is shown: redacted first, cut afterwards.
    private func present(_ line: LineSplitter.Line) -> (text: String, isCut: Bool) {
        var bytes = self.redactor.redact(line.bytes)
        // What is left of a secret that began near the cut stands at the very end.
        if line.isCut { bytes.removeLast(min(bytes.count, self.redactor.needleBytesMax)) }
        let isCut = line.isCut || bytes.count > Limits.outputLineBytesMax
        bytes.removeLast(max(0, bytes.count - Limits.outputLineBytesMax))
        if bytes.contains(0) {
            // Neither JSON in Postgres nor its text type can hold a NUL.
            bytes = bytes.flatMap { $0 == 0 ? [0xEF, 0xBF, 0xBD] : [$0] }
        }
        let text = String(decoding: bytes, as: UTF8.self)
        return isCut ? (text + " … [cut: line longer than 64 KiB]", true) : (text, false)
    }
}
