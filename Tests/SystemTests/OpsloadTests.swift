// Decides that event streams lose, repeat and reorder nothing, by the load harness's own audit.

import ControlRoom
import Foundation
import PulserIR
import Testing

extension SystemTests {
    @Suite("Opsload", .timeLimit(.minutes(3)))
    struct OpsloadSystemTests {
        private static let scenarios = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appending(path: "../../loadtests/scenarios").standardized.path

        @Test("ten subscribers, some slow, some cut off: no event is lost, repeated or late")
        func tiny() async throws {
            try await Site.with { site in
                let node = try await site.startNode()
                let context = try site.context()
                let result = "\(site.folder)/result.json"
                let load = try site.start(
                    [
                        "streams", "\(Self.scenarios)/streams-tiny.json", "--server",
                        context.server,
                        "--server-pid", "\(node.processID)", "--out", result,
                    ],
                    data: nil,
                    environment: ["OPSROOM_TOKEN": context.token ?? ""],
                    program: "opsload"
                )
                let code = try await load.end(within: .seconds(120))
                #expect(code == 0, "\(load.output)\(load.errorOutput)")
                let report = try JSONValue(
                    parsing: [UInt8](FileManager.default.contents(atPath: result) ?? Data())
                )
                for name in ["lost", "duplicated", "reordered"] {
                    let figure = report["figures"]?.arrayValue?.first {
                        $0["name"]?.stringValue == name
                    }
                    #expect(figure?["value"]?.isEqual(to: .integer(0)) == true, "\(name)")
                }
            }
        }
    }
}
