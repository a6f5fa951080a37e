// Decides that readers over real sockets, cut off again and again or asleep, get what was committed, once.

import Foundation
import PulserIR
import Synchronization
import TestBed
import TestKit
import Testing

@testable import Gateway

@Suite("Readers over sockets", .serialized, .timeLimit(.minutes(4)))
struct SocketReaderTests {
    /// Every way to read a stream.
    private static let ways = EventSocket.Wire.allCases.flatMap { wire in
        StreamParser.Form.allCases.map { (wire, $0) }
    }

    /// How often readers are killed. Those of browsers the most; others have the same server side.
    private static func cuts(_ form: StreamParser.Form) -> Int {
        form == .serverSentEvents ? 1_000 : 250
    }

    /// What readers and the load know of each other.
    private final class Progress: Sendable {
        private struct State {
            var seen: [Int: Int64] = [:]
            var isFree: Set<Int> = []
            var ends: [Int64: Int64]?
            var asleep = 0
            var isOver = false
        }

        private let state = Mutex(State())

        /// Events that the reader furthest behind has had.
        func slowest(of count: Int) -> Int64 {
            self.state.withLock { state in
                state.seen.count < count ? 0 : state.seen.values.min() ?? 0
            }
        }

        func saw(_ reader: Int, _ events: Int64) {
            self.state.withLock { $0.seen[reader] = events }
        }

        /// A reader is not cut off any more.
        func freed(_ reader: Int) { self.state.withLock { _ = $0.isFree.insert(reader) } }

        var freeCount: Int { self.state.withLock { $0.isFree.count } }

        func fallenAsleep() { self.state.withLock { $0.asleep += 1 } }

        var asleepCount: Int { self.state.withLock { $0.asleep } }

        /// The last event of every lane, once it is known.
        var ends: [Int64: Int64]? {
            get { self.state.withLock { $0.ends } }
            set { self.state.withLock { $0.ends = newValue } }
        }

        /// Whether somebody has failed.
        var isOver: Bool {
            get { self.state.withLock { $0.isOver } }
            set { self.state.withLock { $0.isOver = newValue } }
        }
    }

    /// Cuts a reader off at random bytes, then lets it read to the end.
    private static func follow(
        _ reader: SocketReader,
        number: Int,
        cuts: Int,
        seed: UInt64,
        _ progress: Progress
    ) throws -> SocketReader {
        var reader = reader
        var random = SeededGenerator(seed: seed)
        for _ in 0..<cuts {
            let socket = try reader.connect(isCursorInPath: random.chance(30))
            // Some die before they are answered, some within the greeting, most among events.
            let bytes =
                random.chance(15)
                ? 0 : Int.random(in: 1...(random.chance(5) ? 40_000 : 2_500), using: &random)
            guard try reader.read(socket, bytes: bytes) else { throw Self.ended(reader) }
            if random.chance(50) { socket.resetAtEnd() }
            progress.saw(number, reader.eventCount)
            if progress.isOver { return reader }
        }
        progress.freed(number)
        let isOpen = try reader.read(try reader.connect()) { reader in
            progress.saw(number, reader.eventCount)
            return progress.isOver || progress.ends == reader.positions
        }
        guard isOpen else { throw Self.ended(reader) }
        return reader
    }

    private static func ended(_ reader: SocketReader) -> EventSocketFailure {
        EventSocketFailure(description: "a stream ended by itself: \(reader.wire), \(reader.form)")
    }

    /// Commits as long as readers are cut off, never far ahead of the slowest; then three events more.
    private static func load(
        _ session: SessionWriter,
        readers: Int,
        seed: UInt64,
        _ progress: Progress
    ) async throws {
        // Readers that wait for more would wait for ever.
        var isDone = false
        defer { if !isDone { progress.isOver = true } }
        var random = SeededGenerator(seed: seed)
        var heads: [Int64: Int64] = [:]
        while progress.freeCount < readers, !progress.isOver {
            let most = session.lanes.count > 10 ? 1 : 12
            let counts = session.lanes.map { _ in Int.random(in: 0...most, using: &random) }
            for (lane, count) in zip(session.lanes, counts) {
                heads[lane, default: 0] += Int64(count)
            }
            let length = random.chance(3) ? 3_000 : Int.random(in: 0...100, using: &random)
            try await session.commit(counts, text: String(repeating: "x", count: length))
            let total = heads.values.reduce(0, +)
            try await eventually("the slowest reader follows") {
                total - progress.slowest(of: readers) < 3_000 || progress.isOver
            }
        }
        for lane in session.lanes { heads[lane, default: 0] += 1 }
        progress.ends = heads
        try await session.commit(session.lanes.map { _ in 1 })
        isDone = true
    }

    @Test(
        "killed and resumed up to 1,000 times under load, readers over either protocol and in any form see each event once"
    )
    func killed() async throws {
        let seed = UInt64(ProcessInfo.processInfo.environment["OPSROOM_SEED"] ?? "") ?? 20_261_121
        try await GatewayBed.with(.live) { bed in
            try await SessionWriter.with(bed, lanes: 3) { session in
                let progress = Progress()
                let readers = try await withThrowingTaskGroup(of: SocketReader?.self) { group in
                    for (number, way) in Self.ways.enumerated() {
                        let reader = SocketReader(
                            port: bed.port,
                            path: "/v1/sessions/\(session.session)/events",
                            wire: way.0,
                            form: way.1
                        )
                        group.addTask {
                            try await Self.onThread(progress) {
                                try Self.follow(
                                    reader,
                                    number: number,
                                    cuts: Self.cuts(way.1),
                                    seed: seed + UInt64(number),
                                    progress
                                )
                            }
                        }
                    }
                    group.addTask {
                        try await Self.load(
                            session,
                            readers: Self.ways.count,
                            seed: seed,
                            progress
                        )
                        return nil
                    }
                    return try await group.reduce(into: []) { $0 += $1.map { [$0] } ?? [] }
                }
                #expect(readers.count == Self.ways.count)
                for lane in session.lanes {
                    let stored = try await session.stored(lane)
                    for reader in readers {
                        #expect(
                            reader.lines[lane] == stored,
                            "seed \(seed), \(reader.wire), \(reader.form)"
                        )
                        #expect(reader.connections == Self.cuts(reader.form) + 1)
                    }
                }
                try await eventually("their seats are free") { bed.gateway.events.seats.count == 0 }
            }
        }
    }

    @Test("of more lanes than an id names with each event, a killed reader misses none")
    func wide() async throws {
        try await GatewayBed.with(.live) { bed in
            try await SessionWriter.with(bed, lanes: 80) { session in
                let progress = Progress()
                let wires = EventSocket.Wire.allCases
                let readers = try await withThrowingTaskGroup(of: SocketReader?.self) { group in
                    for (number, wire) in wires.enumerated() {
                        let reader = SocketReader(
                            port: bed.port,
                            path: "/v1/sessions/\(session.session)/events",
                            wire: wire,
                            form: .serverSentEvents,
                            skipsRepeated: true
                        )
                        group.addTask {
                            try await Self.onThread(progress) {
                                try Self.follow(
                                    reader,
                                    number: number,
                                    cuts: 100,
                                    seed: UInt64(number),
                                    progress
                                )
                            }
                        }
                    }
                    group.addTask {
                        try await Self.load(session, readers: wires.count, seed: 1, progress)
                        return nil
                    }
                    return try await group.reduce(into: []) { $0 += $1.map { [$0] } ?? [] }
                }
                for lane in session.lanes {
                    let stored = try await session.stored(lane)
                    for reader in readers {
                        #expect(reader.lines[lane] == stored, "\(reader.wire), lane \(lane)")
                    }
                }
            }
        }
    }

    @Test(
        "one that sleeps for longer than the ring, over either protocol and in any form, sees each event once"
    )
    func sleeper() async throws {
        try await GatewayBed.with(.live) { bed in
            try await SessionWriter.with(bed, lanes: 3) { session in
                let progress = Progress()
                let alarm = DispatchSemaphore(value: 0)
                let readers = try await withThrowingTaskGroup(of: SocketReader?.self) { group in
                    for way in Self.ways {
                        let sleeper = SocketReader(
                            port: bed.port,
                            path: "/v1/sessions/\(session.session)/events",
                            wire: way.0,
                            form: way.1
                        )
                        group.addTask {
                            try await Self.onThread(progress) {
                                var sleeper = sleeper
                                let socket = try sleeper.connect(receiveBytes: 4_096)
                                _ = try sleeper.read(socket, until: \.isGreeted)
                                progress.fallenAsleep()
                                guard alarm.wait(timeout: .now() + 120) == .success else {
                                    throw EventSocketFailure(description: "nobody woke it")
                                }
                                guard
                                    try sleeper.read(
                                        socket,
                                        until: { $0.positions == progress.ends }
                                    )
                                else { throw Self.ended(sleeper) }
                                return sleeper
                            }
                        }
                    }
                    group.addTask {
                        try await eventually("all are asleep") {
                            progress.asleepCount == Self.ways.count
                        }
                        // More than a ring (4 MiB) and the system's buffers hold together.
                        let commits = 45
                        let counts = [200, 150, 100]
                        progress.ends = Dictionary(
                            uniqueKeysWithValues: zip(
                                session.lanes,
                                counts.map { Int64($0 * commits) }
                            )
                        )
                        let text = String(repeating: "x", count: 400)
                        for _ in 0..<commits { try await session.commit(counts, text: text) }
                        for _ in Self.ways { alarm.signal() }
                        return nil
                    }
                    return try await group.reduce(into: []) { $0 += $1.map { [$0] } ?? [] }
                }
                #expect(readers.count == Self.ways.count)
                for lane in session.lanes {
                    let stored = try await session.stored(lane)
                    for reader in readers {
                        #expect(reader.lines[lane] == stored, "\(reader.wire), \(reader.form)")
                    }
                }
            }
        }
    }

    /// Runs a reader on a thread of its own, and ends the others when it fails.
    private static func onThread(
        _ progress: Progress,
        _ body: @escaping @Sendable () throws -> SocketReader
    ) async throws -> SocketReader {
        do {
            return try await onOwnThread(body)
        } catch {
            progress.isOver = true
            throw error
        }
    }
}
