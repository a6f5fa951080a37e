// Finds the parts of a stored line of a log by its bytes, without reading it as JSON.

import PulserIR

/// Where the parts of a line's event stand.
///
/// An event is written one way (``RunEvent/write(sequence:to:)``, RFC 8785 inside), so that its parts
/// are found by looking for their neighbours: a search of 200,000 lines reads none of them as JSON.
struct LineGlance {
    private static let stepKey = Array(#","step":""#.utf8)
    private static let attemptKey = Array(#","attempt":"#.utf8)
    private static let lineKey = Array(#","data":{"line":""#.utf8)
    private static let streamKey = Array(#","stream":"std"#.utf8)
    private static let outputEnd = Array(#"out""#.utf8)
    private static let errorEnd = Array(#"err""#.utf8)

    /// The event.
    let event: ArraySlice<UInt8>
    /// The step's name, as written; empty when it has none.
    let step: Range<Int>
    /// The attempt of the step.
    let attempt: Int64
    /// The line's text, as written.
    let text: Range<Int>
    /// Whether the text is written as it is: nothing in it is escaped.
    let isPlain: Bool
    /// Whether it was printed as an error.
    let isError: Bool

    /// Looks at an event; `nil` when it is written in another way, then it is to be read as JSON.
    ///
    /// - Parameters:
    ///   - event: The event, without its newline.
    ///   - start: Behind the run, see ``LineMark/end(of:)``.
    init?(_ event: ArraySlice<UInt8>, from start: Int) {
        var place = start
        var step = start..<start
        if Self.takes(Self.stepKey, of: event, &place) {
            guard let (end, isPlain) = Self.end(of: event, from: place), isPlain else { return nil }
            step = place..<end
            place = end + 1
        }
        var attempt: Int64 = 1
        if Self.takes(Self.attemptKey, of: event, &place) {
            attempt = 0
            while place < event.endIndex, (0x30...0x39).contains(event[place]), attempt < 1 << 48 {
                attempt = attempt * 10 + Int64(event[place] - 0x30)
                place += 1
            }
        }
        guard Self.takes(Self.lineKey, of: event, &place),
            let (end, isPlain) = Self.end(of: event, from: place)
        else { return nil }
        self.text = place..<end
        self.isPlain = isPlain
        place = end + 1
        guard Self.takes(Self.streamKey, of: event, &place) else { return nil }
        self.isError = Self.takes(Self.errorEnd, of: event, &place)
        guard self.isError || Self.takes(Self.outputEnd, of: event, &place) else { return nil }
        self.event = event
        self.step = step
        self.attempt = attempt
    }

    /// Whether a text stands at a place, which then is behind it.
    private static func takes(
        _ text: [UInt8],
        of event: ArraySlice<UInt8>,
        _ place: inout Int
    ) -> Bool {
        guard place + text.count <= event.endIndex else { return false }
        for offset in text.indices where event[place + offset] != text[offset] { return false }
        place += text.count
        return true
    }

    /// Where a text inside quotes ends, and whether nothing in it is escaped.
    private static func end(
        of event: ArraySlice<UInt8>,
        from start: Int
    ) -> (place: Int, isPlain: Bool)? {
        let rest = event[start...]
        let bytes = rest.span
        var place = 0
        var isPlain = true
        while place < bytes.count {
            let byte = bytes[place]
            if byte == 0x22 { return (start + place, isPlain) }
            if byte == 0x5C {
                isPlain = false
                place += 1
            }
            place += 1
        }
        return nil
    }
}
