// Decides how much goes into one commit: what waits is parted by lanes when it is too large for one.

internal import PulserIR

/// What one commit stores: the ends of some lanes' logs, and all that waits for these to be stored.
struct WritePart {
    /// Bytes of logs, files and what runs end with that a commit carries at most, beside what one lane
    /// has alone; results for the journal are not counted, they are bounded by the number of writes.
    /// Each is in memory several times while it travels, and a connection keeps what its largest one
    /// needed.
    static let bytesMax = 4 << 20

    typealias Chunk = (log: LaneLog, chunk: LaneLog.Chunk)

    private(set) var submissions: [Submission]
    private(set) var chunks: [Chunk]

    /// Parts what waits; a lane is in one part, its submissions in their order.
    static func parts(of submissions: [Submission], _ chunks: [Chunk]) -> [WritePart] {
        let whole = WritePart(submissions: submissions, chunks: chunks)
        let bytes =
            submissions.reduce(0) { $0 + $1.byteCount }
            + chunks.reduce(0) { $0 + $1.chunk.bytes.count }
        return bytes <= Self.bytesMax ? [whole] : whole.parted
    }

    private var parted: [WritePart] {
        var weights: [Int64: Int] = [:]
        for submission in self.submissions {
            weights[submission.log.lane, default: 0] += submission.byteCount
        }
        for chunk in self.chunks { weights[chunk.log.lane, default: 0] += chunk.chunk.bytes.count }
        var places: [Int64: Int] = [:]
        var number = 0
        var bytes = 0
        for (lane, weight) in weights.sorted(by: { $0.key < $1.key }) {
            if bytes > 0, bytes + weight > Self.bytesMax {
                number += 1
                bytes = 0
            }
            bytes += weight
            places[lane] = number
        }
        var parts = Array(repeating: WritePart(submissions: [], chunks: []), count: number + 1)
        for submission in self.submissions {
            parts[places[submission.log.lane] ?? 0].submissions.append(submission)
        }
        for chunk in self.chunks { parts[places[chunk.log.lane] ?? 0].chunks.append(chunk) }
        return parts
    }
}
