// Decides what a scenario's file may say, and that those of the repository say it.

import Foundation
import PulserIR
import Testing

@testable import opsload

@Suite
struct ScenarioTests {
    private func reader(_ text: String) throws -> ScenarioReader {
        try ScenarioReader(JSONValue(parsing: text), place: "test")
    }

    @Test("every scenario of the repository is read")
    func all() throws {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appending(path: "../../loadtests/scenarios").standardized
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        #expect(names.count >= 3)
        for name in names {
            var reader = try ScenarioReader(path: folder.appending(path: name).path)
            #expect(try reader.text("name") + ".json" == name)
            switch name.prefix(while: { $0.isLetter || $0.isNumber }) {
            case "streams": _ = try StreamsScenario(&reader)
            case "api": _ = try APIScenario(&reader)
            case "http2": _ = try HTTP2Scenario(&reader)
            case "queue": _ = try QueueScenario(&reader)
            case "cluster": _ = try ClusterScenario(&reader)
            default: Issue.record("\(name) is of no command")
            }
        }
    }

    @Test(
        "a key that is unknown, missing, of another type or out of bounds is refused by name",
        arguments: [
            ("{\"connections\": 1, \"events_per_second\": 1}", "'subscribers' is missing"),
            ("{\"subscribers\": 1, \"connections\": 1, \"events_per_second\": 0}", "from 1 to"),
            (
                "{\"subscribers\": 1.5, \"connections\": 1, \"events_per_second\": 1}",
                "whole number"
            ),
            (
                "{\"subscribers\": 1, \"connections\": 1, \"events_per_second\": 1, \"slow\": 1}",
                "'slow' is not known"
            ),
            (
                "{\"subscribers\": 1, \"connections\": 1, \"events_per_second\": 1, \"format\": \"x\"}",
                "one of sse, ndjson, binary"
            ),
            (
                "{\"subscribers\": 1, \"connections\": 1, \"events_per_second\": 1, \"sessions\": 7, \"lanes_per_session\": 7}",
                "at most 48"
            ),
        ]
    )
    func refused(_ text: String, _ part: String) throws {
        do {
            var reader = try self.reader(text)
            _ = try StreamsScenario(&reader)
            Issue.record("it was read")
        } catch let error as LoadError {
            #expect(error.description.contains(part))
        }
    }

    @Test("a mix names operations that exist, and one at least happens")
    func operations() throws {
        let head = "{\"paces\": {\"concurrency\": 2}, \"operations\": "
        for (operations, isGood) in [
            ("{\"runs.list\": 1}}", true), ("{\"runs.list\": 0}}", false),
            ("{\"runs\": 1}}", false),
        ] {
            var reader = try self.reader(head + operations)
            let scenario = try? APIScenario(&reader)
            #expect((scenario != nil) == isGood)
            if isGood { #expect(scenario?.paces == [.closed(concurrency: 2)]) }
        }
    }
}
