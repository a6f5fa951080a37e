// What one node still gets of the lanes it follows here: bounded, oldest first. Pure.

import NIOCore
import PulserIR
import Store

/// Commits that wait for one node.
struct EventTail {
    /// Bytes of one answer; a commit that has more is read from the database.
    static let answerBytesMax = 512 << 10
    /// Chunks of one answer.
    static let answerChunksMax = 4_096
    /// What a chunk costs beside its bytes.
    private static let chunkBytes = 64

    /// The number that the node has given it.
    let number: Int64
    var lanes: Set<Int64> = []
    private var chunks = CircularBuffer<CommittedChunk>()
    private(set) var bytes = 0
    /// By lane the last sequence of what was not kept.
    private var lost: [Int64: Int64] = [:]
    /// When the node asked last.
    var askedAt: Duration
    /// Ends when there is news.
    var waiting: AsyncStream<Never>.Continuation?

    init(number: Int64, askedAt: Duration) {
        self.number = number
        self.askedAt = askedAt
    }

    var isEmpty: Bool { self.chunks.isEmpty && self.lost.isEmpty }

    /// Keeps a chunk. A tail that would get larger than `bytesMax` is emptied first: whoever is so far
    /// behind is quicker with the database.
    ///
    /// - Returns: Who waits for it.
    mutating func append(
        _ chunk: CommittedChunk,
        bytesMax: Int
    ) -> AsyncStream<Never>.Continuation? {
        let size = chunk.bytes.count + Self.chunkBytes
        if self.bytes + size > bytesMax {
            for chunk in self.chunks { self.lose(chunk) }
            self.chunks.removeAll()
            self.bytes = 0
        }
        if size > min(Self.answerBytesMax, bytesMax) {
            self.lose(chunk)
        } else {
            self.chunks.append(chunk)
            self.bytes += size
        }
        defer { self.waiting = nil }
        return self.waiting
    }

    private mutating func lose(_ chunk: CommittedChunk) {
        self.lost[chunk.lane] = max(self.lost[chunk.lane] ?? 0, chunk.endSequence - 1)
    }

    /// Takes out as much as one answer may have.
    mutating func take() -> ([CommittedChunk], lost: [Int64: Int64]) {
        var taken: [CommittedChunk] = []
        var bytes = 0
        while let chunk = self.chunks.first, taken.count < Self.answerChunksMax {
            let size = chunk.bytes.count + Self.chunkBytes
            guard bytes + size <= Self.answerBytesMax else { break }
            bytes += size
            taken.append(chunk)
            self.chunks.removeFirst()
        }
        self.bytes -= bytes
        defer { self.lost = [:] }
        return (taken, self.lost)
    }
}
