// How moments read in answers.

import PulserIR
import Testing

@testable import Gateway

@Suite("Times of the API")
struct TimeTests {
    @Test(
        "a moment reads as RFC 3339 with milliseconds",
        arguments: [
            (0, "1970-01-01T00:00:00.000Z"), (951_782_400_001, "2000-02-29T00:00:00.001Z"),
            (1_709_251_199_999, "2024-02-29T23:59:59.999Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"), (-1, "1969-12-31T23:59:59.999Z"),
        ]
    )
    func moments(_ milliseconds: Int64, _ text: String) {
        #expect(JSONValue.moment(milliseconds) == .string(text))
        #expect(JSONValue.moment(nil) == .null)
    }

    @Test(
        "an answer's date is written as RFC 9110 says",
        arguments: [
            (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"), (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (1_709_251_199, "Thu, 29 Feb 2024 23:59:59 GMT"),
        ]
    )
    func dates(_ second: Int64, _ text: String) { #expect(DateStamp.text(second) == text) }
}
