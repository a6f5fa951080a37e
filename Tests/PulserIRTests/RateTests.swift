// Decides how rates are written and read.

import PulserIR
import Testing

@Suite
struct RateTests {
    @Test(
        "a rate is read as it is written",
        arguments: ["1/s", "100/m", "5/10s", "100/h:20", "7/d", "1000000/ms:100000", "3/90s"]
    )
    func round(text: String) throws {
        let rate = try #require(Rate(text))
        #expect(rate.description == text)
        let same = Rate(count: rate.count, milliseconds: rate.milliseconds, burst: rate.burst)
        #expect(same == rate)
    }

    @Test("other ways to write a time mean the same")
    func same() {
        #expect(Rate("5/60s") == Rate("5/m"))
        #expect(Rate("5/1000ms:1") == Rate("5/s"))
    }

    @Test(
        "what is no rate is none",
        arguments: [
            "", "/", "5", "5/", "/m", "0/m", "-1/m", "+1/m", "5/0s", "5/y", "5/m:", "5/m:0",
            "5/m:1:1", "5/m/s", "1000001/m", "5/367d", "5/m:100001", "5/99999999999999999999s",
            "5/9223372036854775807d", " 5/m", "٥/m", "5/٥s", "1e3/s",
        ]
    )
    func bad(text: String) { #expect(Rate(text) == nil) }
}
