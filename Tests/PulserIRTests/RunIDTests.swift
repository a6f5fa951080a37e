// A run's name is eight letters, its prefix is enough.

import PulserIR
import Testing

@Suite("Run ids") struct RunIDTests {
    private static let numbers: [Int64] = [1, 2, 3, 1_000, 1 << 20, (1 << 40) - 1]

    @Test("eight letters name the run they were made from", arguments: numbers)
    func roundTrip(number: Int64) throws {
        let text = RunID(number).description
        #expect(text.utf8.count == 8)
        #expect(RunID(text)?.number == number)
        #expect(RunID(text.uppercased())?.number == number)
    }

    @Test("every prefix of a run's name covers the run", arguments: numbers)
    func prefixes(number: Int64) throws {
        let id = RunID(number)
        for length in 1...8 {
            let range = try #require(RunID.prefixRange(String(id.description.prefix(length))))
            #expect(range.contains(id.scrambled))
            #expect(range.count == 1 << (5 * (8 - length)))
        }
    }

    @Test("neighbouring runs differ in their first letter")
    func neighbours() {
        for number in Int64(1)..<500 {
            #expect(RunID(number).description.first != RunID(number + 1).description.first)
        }
    }

    @Test(
        "what is not base 32 names no run",
        arguments: ["", "abcdefg", "abcdefghj", "abcdefgu", "ab defgh"]
    )
    func refused(text: String) { #expect(RunID(text) == nil) }
}
