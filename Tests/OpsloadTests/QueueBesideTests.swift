// Decides what the end of another program means: a figure, or a sentence why there is none.

import Testing

@testable import opsload

@Suite("Programs beside the queue")
struct QueueBesideTests {
    private static let peer = QueueBeside.Peer(name: "p", kinds: [.drain])

    @Test("a driver's last line is its figures")
    func figures() throws {
        let said = "a warning\n{\"version\": \"1.2\", \"figures\": {\"drained\": 12.5, \"a\": 2}}\n"
        let outcome = QueueBeside.Outcome(code: 0, output: said)
        let (version, figures) = try QueueBeside.read(outcome, of: Self.peer).get()
        #expect(version == "1.2")
        #expect(figures == ["drained": 12.5, "a": 2])
    }

    @Test(
        "a driver that ends otherwise yields a sentence instead of figures",
        arguments: [
            (3, "p is not installed", "p is not installed"),
            (2, "9 of 10 jobs were done", "p did it wrong: 9 of 10 jobs were done"),
            (1, "Traceback\nKeyError", "p fails: KeyError"),
            (137, "", "p fails: "),
            (0, "done", "p tells no figures: done"),
            (0, "{\"version\": \"1\", \"figures\": {}}", "p tells no figures"),
        ] as [(Int32, String, String)]
    )
    func refused(_ code: Int32, _ output: String, _ sentence: String) {
        let result = QueueBeside.read(.init(code: code, output: output), of: Self.peer)
        guard case .failure(let error) = result else {
            Issue.record("\(result)")
            return
        }
        #expect(error.description.hasPrefix(sentence))
    }

    @Test("a driver that was ended because it took too long has no figures")
    func late() {
        let result = QueueBeside.read(.init(code: nil, output: "{}"), of: Self.peer)
        #expect((try? result.get()) == nil)
    }

    @Test("pgbench's figures are read from its words")
    func pgbench() {
        let said = "latency average = 0.321 ms\ntps = 3114.25 (without initial connection time)\n"
        #expect(QueueBeside.number(in: said, between: "tps = ", and: " ") == 3_114.25)
        #expect(QueueBeside.number(in: said, between: "latency average = ", and: " ") == 0.321)
        #expect(QueueBeside.number(in: said, between: "nothing = ", and: " ") == nil)
    }
}
