// Decides what opens what was sealed: its key at its place, unchanged, and nothing else.

import PulserIR
import Testing

struct SealTests {
    private static func ring(_ lines: String...) throws -> SealRing {
        try SealRing(lines.joined(separator: "\n"))
    }

    private static let one = SealRing.newLine("one")
    private static let two = SealRing.newLine("two")
    private static let places: [SealPlace] = [
        .inputs(lane: 1), .inputs(lane: 11), .outputs(run: RunID(1)), .failure(run: RunID(1)),
        .record(run: RunID(1), step: "a", attempt: 1),
        .record(run: RunID(1), step: "a", attempt: 2),
        .record(run: RunID(1), step: "b", attempt: 1), .signal(run: RunID(1), name: "a"),
        .question(run: RunID(1), step: "a"),
        .decision(run: RunID(1), step: "a", person: "bc"),
        .decision(run: RunID(1), step: "ab", person: "c"), .schedule(name: "1"),
        .events(lane: 1, firstSequence: 1), .artifact(run: RunID(1), step: "a", name: "b"),
    ]

    @Test("a sealed text is JSON, hides its words, and opens at its place alone")
    func places() throws {
        let ring = try Self.ring(Self.one)
        let text = #"{"name":"canary","n":1}"#
        for place in Self.places {
            let sealed = ring.seal(text, at: place)
            #expect(try JSONValue(parsing: sealed)["key"] == .string("one"))
            #expect(!sealed.contains("canary") && SealRing.key(of: sealed) == "one")
            #expect(ring.seal(text, at: place) != sealed)
            #expect(try SealRing.open(sealed, at: place, with: ring) == text)
            for other in Self.places where other != place {
                #expect(throws: SealError.self) {
                    try SealRing.open(sealed, at: other, with: ring)
                }
            }
            let bytes = ring.seal(Array(text.utf8), at: place)
            #expect(bytes == ring.seal(Array(text.utf8), at: place))
            #expect(try SealRing.open(bytes, at: place, with: ring) == Array(text.utf8))
            for other in Self.places where other != place {
                #expect(throws: SealError.self) {
                    try SealRing.open(bytes, at: other, with: ring)
                }
            }
        }
    }

    @Test("the first key seals, all open; without its key or under another secret nothing opens")
    func keys() throws {
        let place = SealPlace.inputs(lane: 1)
        let old = try Self.ring(Self.one).seal("x", at: place)
        let both = try Self.ring(Self.two, "", "# the old one", Self.one)
        #expect(both.ids == ["two", "one"])
        #expect(SealRing.key(of: both.seal("y", at: place)) == "two")
        #expect(try SealRing.open(old, at: place, with: both) == "x")
        for ring in [nil, try Self.ring(Self.two)] {
            let error = #expect(throws: SealError.self) {
                try SealRing.open(old, at: place, with: ring)
            }
            #expect(error?.description.contains("'one'") == true)
            #expect(error?.description.contains("seal-key-file") == true)
        }
        let impostor = try Self.ring(SealRing.newLine("one"))
        #expect(throws: SealError.self) { try SealRing.open(old, at: place, with: impostor) }
    }

    @Test("no changed text opens, wherever it was changed; what is not sealed is given back")
    func changed() throws {
        let ring = try Self.ring(Self.one)
        let place = SealPlace.outputs(run: RunID(3))
        // Its last letter is one that has a neighbour which means the same bytes.
        var sealed: [UInt8] = []
        while sealed.dropLast(2).last(where: { $0 != UInt8(ascii: "=") }) != UInt8(ascii: "A") {
            sealed = Array(ring.seal("some words", at: place).utf8)
        }
        let data = SealRing.mark.utf8.count + #"one","data":""#.utf8.count
        for index in data..<(sealed.count - 2) {
            var changed = sealed
            changed[index] =
                changed[index] == UInt8(ascii: "A") ? UInt8(ascii: "B") : UInt8(ascii: "A")
            if changed == sealed { continue }
            let text = String(decoding: changed, as: UTF8.self)
            #expect(throws: SealError.self) { try SealRing.open(text, at: place, with: ring) }
        }
        for plain in ["{}", "", #"{"data":"","key":"one","sealed":"v1"}"#] {
            #expect(try SealRing.open(plain, at: place, with: ring) == plain)
        }
        #expect(try SealRing.open([], at: place, with: ring) == [])
    }

    @Test("of inputs the names of uploaded files stay readable, and no other digits")
    func files() throws {
        let ring = try Self.ring(Self.one)
        let file = String(repeating: "ab", count: 32)
        let secret = String(repeating: "cd", count: 32)
        let text = #"{"f":"/data/uploads/\#(file)","s":"\#(secret)"}"#
        let sealed = ring.seal(text, at: .inputs(lane: 1))
        #expect(sealed.contains(file) && !sealed.contains(secret))
        #expect(try JSONValue(parsing: sealed)["files"] == .array([.string(file)]))
        #expect(try SealRing.open(sealed, at: .inputs(lane: 1), with: ring) == text)
        #expect(!ring.seal(text, at: .outputs(run: RunID(1))).contains(file))
    }

    @Test(
        "a file of keys with anything else in it is refused, and no key is repeated",
        arguments: ["", "# no key", "one", "one AAAA", "one two three", "a b", "ö AAAA"]
    )
    func refused(_ text: String) {
        let error = #expect(throws: SealError.self) { try SealRing(text) }
        #expect(error?.description.contains("AAAA") == false)
        #expect(throws: SealError.self) { try SealRing("\(Self.one)\n\(SealRing.newLine("one"))") }
    }
}
