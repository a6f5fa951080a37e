// Remembers where in a lane's log some lines of a run stand, so that a page deep in it is found.

import PulserIR
import Synchronization

/// Where a run's line stands.
struct LogPosition: Sendable, Hashable {
    /// The number of the first line at or after `sequence`.
    var line: Int64
    /// The number of an event in the lane's log.
    var sequence: Int64
}

/// Sparse positions of recently read logs, the least recently used forgotten first.
///
/// A log only grows, so a position once seen holds for ever.
final class LogIndex: Sendable {
    /// Lines between two positions at least, unless many events of others stand between them.
    static let stride: Int64 = 256
    /// Events of the lane between two positions at most: one request may get no further than through
    /// what others wrote, and the next one must go on from there.
    static let eventStride: Int64 = 4_096

    private struct Entry {
        var positions: [LogPosition]
        var stride: Int64
        var used: UInt64
    }

    private struct State {
        var entries: [RunID: Entry] = [:]
        var total = 0
        var clock: UInt64 = 0
    }

    private let state = Mutex(State())
    private let positionsMax: Int
    private let positionsPerRunMax: Int

    /// Makes an empty index.
    ///
    /// - Parameters:
    ///   - positionsMax: Of all runs, 16 bytes each. Default 131,072.
    ///   - positionsPerRunMax: Of one run; a longer log has them further apart. Default 8,192.
    init(positionsMax: Int = 131_072, positionsPerRunMax: Int = 8_192) {
        self.positionsMax = positionsMax
        self.positionsPerRunMax = positionsPerRunMax
    }

    /// The last known position that is not behind a line.
    func nearest(_ run: RunID, line: Int64) -> LogPosition? {
        self.state.withLock { state in
            state.clock += 1
            let now = state.clock
            state.entries[run]?.used = now
            guard let positions = state.entries[run]?.positions else { return nil }
            var low = 0
            var high = positions.count
            while low < high {
                let middle = (low + high) / 2
                if positions[middle].line <= line { low = middle + 1 } else { high = middle }
            }
            return low > 0 ? positions[low - 1] : nil
        }
    }

    /// All known positions of a run, in order.
    func positions(_ run: RunID) -> [LogPosition] {
        self.state.withLock { $0.entries[run]?.positions ?? [] }
    }

    /// Learns a position.
    func note(_ run: RunID, _ position: LogPosition) {
        self.state.withLock { state in
            state.clock += 1
            var entry =
                state.entries[run] ?? Entry(positions: [], stride: Self.stride, used: state.clock)
            entry.used = state.clock
            if let last = entry.positions.last {
                guard position.sequence > last.sequence else { return }
                if position.line == last.line {
                    // No line of the run stands between the two.
                    entry.positions[entry.positions.count - 1] = position
                    state.entries[run] = entry
                    return
                }
                guard
                    position.line >= last.line + entry.stride
                        || position.sequence >= last.sequence + Self.eventStride
                else { return }
            }
            entry.positions.append(position)
            state.total += 1
            if entry.positions.count > self.positionsPerRunMax {
                let before = entry.positions.count
                entry.positions = entry.positions.enumerated().filter { $0.offset % 2 == 0 }
                    .map(\.element)
                entry.stride *= 2
                state.total -= before - entry.positions.count
            }
            state.entries[run] = entry
            while state.total > self.positionsMax, state.entries.count > 1 {
                guard let oldest = state.entries.min(by: { $0.value.used < $1.value.used })
                else { return }
                state.total -= oldest.value.positions.count
                state.entries[oldest.key] = nil
            }
        }
    }
}
