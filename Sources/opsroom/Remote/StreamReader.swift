// Bytes of a text/event-stream become messages, however they are cut into chunks.

/// One message of an event stream; one with an id alone only says how far the stream is.
struct StreamMessage: Sendable, Hashable {
    /// Where the stream can be taken up again behind this message.
    var id: String?
    /// The kind of frame; empty for an event without one.
    var event = ""
    /// The text.
    var data = ""
}

/// Reads a stream as the HTML standard says (section 9.2.6), with a bound on one line.
struct StreamReader: Sendable {
    /// The largest line; one of output with its frame around it fits many times.
    static let lineBytesMax = 4 << 20

    private var line: [UInt8] = []
    private var message = StreamMessage()
    private var hasData = false
    private var endsWithReturn = false

    /// Whether a line was too long to be of this kind of stream.
    private(set) var isOverlong = false

    /// Takes bytes; gives the messages that they complete.
    mutating func take(_ bytes: some Sequence<UInt8>) -> [StreamMessage] {
        var messages: [StreamMessage] = []
        for byte in bytes {
            let isPair = self.endsWithReturn && byte == UInt8(ascii: "\n")
            self.endsWithReturn = byte == UInt8(ascii: "\r")
            if isPair { continue }
            if byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") {
                if let message = self.takeLine() { messages.append(message) }
                self.line.removeAll(keepingCapacity: true)
            } else if self.line.count < Self.lineBytesMax {
                self.line.append(byte)
            } else {
                self.isOverlong = true
            }
        }
        return messages
    }

    private mutating func takeLine() -> StreamMessage? {
        if self.line.isEmpty {
            defer {
                self.message = StreamMessage()
                self.hasData = false
            }
            let isEmpty = !self.hasData && self.message.event.isEmpty && self.message.id == nil
            return isEmpty ? nil : self.message
        }
        let colon = self.line.firstIndex(of: UInt8(ascii: ":"))
        let name = self.line[..<(colon ?? self.line.endIndex)]
        var value = colon.map { self.line[($0 + 1)...] } ?? []
        if value.first == UInt8(ascii: " ") { value = value.dropFirst() }
        let text = String(decoding: value, as: UTF8.self)
        switch String(decoding: name, as: UTF8.self) {
        case "id": self.message.id = text
        case "event": self.message.event = text
        case "data":
            self.message.data += self.hasData ? "\n" + text : text
            self.hasData = true
        default: break
        }
        return nil
    }
}
