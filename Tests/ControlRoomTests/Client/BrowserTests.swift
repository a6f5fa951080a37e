// Decides what the file looks like that leads a browser to the page.

import Testing

@testable import ControlRoom

@Suite("Opening a browser")
struct BrowserTests {
    @Test("the file leads to the address, and nothing in an address becomes part of the document")
    func forwarding() {
        let plain = Browser.forwarding(to: "http://127.0.0.1:7460/ui#code=abc")
        #expect(plain.contains("content=\"0; url=http://127.0.0.1:7460/ui#code=abc\""))
        #expect(!plain.contains("<script"))
        let odd = Browser.forwarding(to: "http://a/?b&c\"'><script>")
        #expect(odd.contains("http://a/?b&amp;c&quot;&#39;&gt;&lt;script&gt;\""))
        #expect(!odd.contains("<script"))
    }

    @Test("without a screen no browser is asked", arguments: [true, false])
    func noScreen(_ isSecret: Bool) async {
        let isOpened = await Browser.open(
            "http://127.0.0.1/ui",
            isSecret: isSecret,
            environment: ["DISPLAY": ""]
        )
        #expect(!isOpened)
    }
}
