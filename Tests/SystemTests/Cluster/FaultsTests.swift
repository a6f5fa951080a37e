// Decides that a cluster under random faults keeps its promises, by the load harness's own checks.

import Foundation
import PulserIR
import Testing

extension SystemTests {
    @Suite("Faults", .timeLimit(.minutes(4)))
    struct Faults {
        private static let sql = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appending(path: "../../../loadtests/faults.sql").standardized.path

        @Test(
            "three nodes under six random faults lose nothing, repeat nothing and keep their order"
        )
        func small() async throws {
            let given = ProcessInfo.processInfo.environment["OPSROOM_SEED"].flatMap { UInt64($0) }
            let seed = given ?? UInt64.random(in: 0...999_999)
            try await Site.with { site in
                let result = "\(site.folder)/result.json"
                let campaign = try site.start(
                    [
                        "faults", "--seed", "\(seed)", "--nodes", "3", "--runs", "100",
                        "--lanes", "10", "--faults", "6", "--pause", "2000", "--longest", "4000",
                        "--sql", Self.sql, "--folder", "\(site.folder)/kept", "--out", result,
                    ],
                    data: nil,
                    program: "opsload"
                )
                let code = try await campaign.end(within: .seconds(200))
                #expect(code == 0, "seed \(seed): \(campaign.output)\(campaign.errorOutput)")
                let bytes = FileManager.default.contents(atPath: result) ?? Data()
                let figures = try JSONValue(parsing: [UInt8](bytes))["figures"]?.arrayValue ?? []
                func figure(_ name: String) -> JSONValue? {
                    figures.first { $0["name"]?.stringValue == name }?["value"]
                }
                #expect(figure("runs")?.isEqual(to: .integer(100)) == true)
                for kind in [
                    "kill", "freeze", "cut", "isolate", "restart", "database",
                ] {
                    #expect(figure("faults.\(kind)")?.isEqual(to: .integer(0)) == false, "\(kind)")
                }
            }
        }
    }
}
