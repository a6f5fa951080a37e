// Decides whether a peer wears us out: by errors, by frames that carry nothing. Pure: time comes in as a value.

import NIOCore

/// Watches what a peer sends, frame by frame.
///
/// What is counted here is what nghttp2 1.52 does not bound: resets that we originate ("MadeYouReset"),
/// malformed heads, PING read back drop by drop, empty DATA, PRIORITY, WINDOW_UPDATE, unknown frames;
/// and of a server interim answers without end, heads and resets of streams that are over.
struct ConductMachine {
    /// Heads and resets that one request may be answered with: interim answers, the answer, trailers.
    private static let answersPerRequest = 8
    /// How many of them may be due at once, whatever was sent.
    private static let answersMax = 10_000

    private let isServer: Bool
    private let emptyDataFramesMax: Int
    private var glitches: TokenBucket
    private var controls: TokenBucket
    private var windowUpdates: TokenBucket
    private var emptyDataFrames = 0
    private var answersDue = 0
    private var receivedBytes = 0
    private var usefulBytes = 0

    init(_ limits: ConnectionLimits, isServer: Bool = true) {
        self.isServer = isServer
        self.emptyDataFramesMax = limits.emptyDataFramesMax
        self.glitches = TokenBucket(
            capacity: limits.glitchBurst,
            perSecond: Double(limits.glitchesPerSecond)
        )
        let window = Double(limits.controlFramesWindow.components.seconds)
        let perSecond = Double(limits.controlFramesMax) / max(window, 1)
        self.controls = TokenBucket(capacity: limits.controlFramesMax, perSecond: perSecond)
        self.windowUpdates = TokenBucket(
            capacity: limits.windowUpdatesBurst,
            perSecond: perSecond
        )
    }

    /// The peer began a frame.
    ///
    /// - Returns: The limit that it exceeds.
    mutating func received(_ frame: FrameScanner.Header, at now: NIODeadline) -> LimitName? {
        self.receivedBytes += 9 + frame.length
        switch frame.type {
        case FrameType.data:
            return self.receivedData(frame)
        case FrameType.headers, FrameType.continuation:
            self.usefulBytes += frame.length
            if frame.type == FrameType.headers {
                guard self.isServer else { return self.answered(at: now) ?? self.overhead }
                self.requested()
            }
        case FrameType.reset:
            // At a server bounded by the library: 200, then 20 a second.
            if !self.isServer { return self.answered(at: now) ?? self.overhead }
        case FrameType.windowUpdate:
            if !self.windowUpdates.take(at: now) { return .windowUpdates }
        default:
            if !self.controls.take(at: now) { return .controlFrames }
        }
        return self.overhead
    }

    /// A browser reprioritises and reopens its window with every request.
    private mutating func requested() {
        self.controls.add(2)
        self.windowUpdates.add(2)
    }

    /// The server has sent a head, or reset a stream.
    private mutating func answered(at now: NIODeadline) -> LimitName? {
        if self.answersDue > 0 {
            self.answersDue -= 1
            return nil
        }
        return self.controls.take(at: now) ? nil : .controlFrames
    }

    /// A client has sent a request.
    mutating func sentRequest() {
        self.requested()
        self.answersDue = min(self.answersDue + Self.answersPerRequest, Self.answersMax)
    }

    private mutating func receivedData(_ frame: FrameScanner.Header) -> LimitName? {
        let isPadded = frame.flags & 0x8 != 0
        let isEnd = frame.flags & FrameType.endStreamOrAck != 0
        if frame.length == 0 || (isPadded && frame.length == 1), !isEnd {
            self.emptyDataFrames += 1
            if self.emptyDataFrames > self.emptyDataFramesMax { return .emptyData }
        } else if !isPadded {
            self.emptyDataFrames = 0
        }
        // Padding is at most 256 bytes; what is behind it cannot be told from here.
        self.usefulBytes += isPadded ? max(0, frame.length - 256) : frame.length
        return self.overhead
    }

    /// The library has taken the padding off a DATA frame that does not end its stream.
    ///
    /// - Returns: The limit that it exceeds.
    mutating func receivedPadded(contentBytes: Int) -> LimitName? {
        guard contentBytes == 0 else {
            self.emptyDataFrames = 0
            return nil
        }
        self.emptyDataFrames += 1
        return self.emptyDataFrames > self.emptyDataFramesMax ? .emptyData : nil
    }

    /// nginx's rule: of more than 8 MiB, at least an eighth is of use.
    private var overhead: LimitName? {
        self.receivedBytes / 8 > self.usefulBytes + 1_048_576 ? .overhead : nil
    }

    /// We sent DATA: its reader may say so, now and then.
    mutating func sentData(_ bytes: Int) {
        // An update for each kilobyte on stream and connection is generous, not endless.
        self.windowUpdates.add(4 + Double(bytes) / 512)
        self.usefulBytes += bytes
    }

    /// The peer did something malformed, or made us reset a stream.
    ///
    /// - Returns: The limit that it exceeds.
    mutating func glitched(at now: NIODeadline) -> LimitName? {
        self.glitches.take(at: now) ? nil : .glitches
    }
}
