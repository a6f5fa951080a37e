// Follows one run through its lane's log until its end, without missing or repeating an event.

import Foundation
public import PulserIR
public import Store

/// One event as it stands in the log.
public struct FollowedEvent: Sendable {
    /// Its number in the lane.
    public var sequence: Int64
    /// The line as it was stored.
    public var line: String
    /// The line, read.
    public var json: JSONValue

    /// Describes an event.
    public init(sequence: Int64, line: String, json: JSONValue) {
        self.sequence = sequence
        self.line = line
        self.json = json
    }
}

extension RoomClient {
    /// Calls `body` for every event of a run, from its first to its last.
    ///
    /// - Parameters:
    ///   - id: The run.
    ///   - from: The number of the first event to tell; `nil` means the run's first.
    ///   - isLive: Whether to wait for the run's end; otherwise only what is stored is told.
    ///   - onChange: Called with the run whenever it is looked at.
    ///   - body: Called with one event after the other.
    /// - Returns: The run as it was last seen: ended, when `isLive`.
    /// - Throws: What the store or `body` threw.
    public func follow(
        _ id: RunID,
        from: Int64? = nil,
        isLive: Bool,
        onChange: @escaping @Sendable (RunRow) async -> Void = { _ in },
        _ body: @escaping @Sendable (FollowedEvent) async throws -> Void
    ) async throws -> RunRow {
        let (wakes, wake) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        return try await withThrowingTaskGroup(of: RunRow?.self) { group in
            if isLive {
                group.addTask {
                    await self.listener([.events]).run { _ in wake.yield() }
                    return nil
                }
                group.addTask {
                    // A lost notice, or none because nothing runs, costs at most this long.
                    while !Task.isCancelled {
                        try? await Task.sleep(for: .milliseconds(250))
                        wake.yield()
                    }
                    return nil
                }
            }
            group.addTask {
                try await self.tail(id, from, isLive ? wakes : nil, onChange, body)
            }
            defer { group.cancelAll() }
            while let next = try await group.next() {
                if let row = next { return row }
            }
            throw RoomError(.failed, "following the run ended early")
        }
    }

    private func tail(
        _ id: RunID,
        _ from: Int64?,
        _ wakes: AsyncStream<Void>?,
        _ onChange: @Sendable (RunRow) async -> Void,
        _ body: @Sendable (FollowedEvent) async throws -> Void
    ) async throws -> RunRow {
        var cursor = from
        var outageBegan: ContinuousClock.Instant?
        var waiting = wakes?.makeAsyncIterator()
        while true {
            do {
                let row = try await self.store.run(id)
                outageBegan = nil
                await onChange(row)
                // Until the run's first commit nobody knows where in the log it begins.
                if let from = cursor ?? row.firstSequence {
                    cursor = try await self.read(row, from, body)
                }
                if row.status.isTerminal || wakes == nil { return row }
            } catch {
                // The database is away: what was read stays read, the cursor waits.
                let isOutage = (error as? StoreError)?.isTransient ?? false
                if !isOutage || wakes == nil { throw error }
                let began = outageBegan ?? .now
                outageBegan = began
                // The node that had the database may be gone for good: the caller looks anew.
                if !self.isNode, ContinuousClock.now - began > .seconds(3) { throw error }
                try await Task.sleep(for: .milliseconds(250))
            }
            _ = await waiting?.next()
            try Task.checkCancellation()
        }
    }

    /// Reads the run's events from a number on.
    ///
    /// - Returns: The number to go on from.
    private func read(
        _ row: RunRow,
        _ from: Int64,
        _ body: @Sendable (FollowedEvent) async throws -> Void
    ) async throws -> Int64 {
        var cursor = from
        let mark = Array("\"run\":\"\(row.id)\"".utf8)
        while true {
            let chunks = try await self.store.events(lane: row.lane, from: cursor)
            for chunk in chunks {
                for (sequence, line) in chunk.lines where sequence >= cursor {
                    cursor = sequence + 1
                    guard line.prefix(160).contains(mark) else { continue }
                    let event = FollowedEvent(
                        sequence: sequence,
                        line: String(decoding: line, as: UTF8.self),
                        json: try JSONValue(parsing: line)
                    )
                    try await body(event)
                }
            }
            if chunks.count < 100 { return cursor }
            if row.status.isTerminal, let last = row.lastSequence, cursor > last { return cursor }
        }
    }
}
