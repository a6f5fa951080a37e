// What waits to be sent over a link: many messages in one buffer, bounded by bytes. Pure.

internal import NIOCore

/// Messages that the transport has not asked for yet.
struct Outbox {
    /// Bytes of calls that may wait; beyond them callers are refused.
    private let bytesMax: Int
    /// What is sent before the peer has said who it is.
    private var greeting = ByteBuffer()
    private var pending = ByteBuffer()
    /// Whether the peer is known, so that calls may go.
    var isOpen = false
    /// Whether the link ends when this is sent.
    var isClosing = false
    /// Whether the transport knows that there is something.
    private var isWoken = false
    /// Bytes of messages that were ever added, and those that the transport has taken: a message that
    /// begins behind the latter was certainly not sent.
    private(set) var addedBytes: UInt64 = 0
    private(set) var takenBytes: UInt64 = 0

    init(bytesMax: Int) { self.bytesMax = bytesMax }

    /// Bytes that wait.
    var waitingBytes: Int { self.pending.readableBytes }
    /// Whether callers are to be refused.
    var isFull: Bool { self.waitingBytes >= self.bytesMax }
    /// Whether even answers are not taken any more.
    var isOverfull: Bool { self.waitingBytes >= 4 * self.bytesMax }

    /// Adds a message.
    ///
    /// - Returns: Whether the transport is to be woken.
    mutating func add(
        _ tag: Envelope.Tag,
        _ id: UInt32,
        _ head: [UInt8],
        _ tail: ArraySlice<UInt8> = []
    ) -> Bool {
        let count = head.count + tail.count
        self.pending.writeInteger(UInt32(count + Envelope.headBytes - 4))
        self.pending.writeInteger(tag.rawValue)
        self.pending.writeInteger(id)
        self.pending.writeBytes(head)
        if !tail.isEmpty { self.pending.writeBytes(tail) }
        self.addedBytes += UInt64(count + Envelope.headBytes)
        guard self.isOpen else { return false }
        return self.wakes()
    }

    /// Sets what is sent first.
    ///
    /// - Returns: Whether the transport is to be woken.
    mutating func greet(_ tag: Envelope.Tag, _ bytes: [UInt8]) -> Bool {
        self.greeting.writeInteger(UInt32(bytes.count + Envelope.headBytes - 4))
        self.greeting.writeInteger(tag.rawValue)
        self.greeting.writeInteger(UInt32(0))
        self.greeting.writeBytes(bytes)
        return self.wakes()
    }

    /// The peer is known.
    ///
    /// - Returns: Whether the transport is to be woken.
    mutating func open() -> Bool {
        self.isOpen = true
        return self.waitingBytes > 0 && self.wakes()
    }

    /// Everything that may be sent now; `nil` when that is nothing: the transport is woken for more.
    mutating func take() -> ByteBuffer? {
        if self.greeting.readableBytes > 0 {
            defer { self.greeting = ByteBuffer() }
            return self.greeting
        }
        guard self.isOpen, self.waitingBytes > 0 else {
            self.isWoken = false
            return nil
        }
        let taken = self.pending
        self.takenBytes += UInt64(taken.readableBytes)
        self.pending = ByteBufferAllocator().buffer(capacity: min(taken.readableBytes, 65_536))
        return taken
    }

    private mutating func wakes() -> Bool {
        defer { self.isWoken = true }
        return !self.isWoken
    }
}
