// Decides that artifacts and uploads arrive whole, in parts, or with a reason.

import Crypto
import Foundation
import HTTPTypes
import PulserIR
import Store
import TestBed
import Testing

@testable import Gateway

@Suite(.timeLimit(.minutes(2)))
struct ArtifactTests {
    /// Stores artifacts with a run.
    private func store(_ bed: GatewayBed, _ artifacts: [ArtifactRow]) async throws -> RunID {
        let run = try await bed.store.manyRuns(1, lane: "art")[0]
        let lane = try await bed.store.ensureLane(session: "default", lane: "art")
        try await TestNode.with(bed.store) { node in
            let (runs, log) = try await node.claim(lane, room: 1)
            let claimed = try #require(runs.first)
            let writes = artifacts.map { RunWrite.artifact($0) }
            try await node.writer.submit(writes, fence: claimed.fence, log: log)
            try await node.end(claimed, log, .succeeded, first: 1)
        }
        return run
    }

    private func row(_ name: String, _ bytes: [UInt8], isInline: Bool = true) -> ArtifactRow {
        ArtifactRow(
            step: "s",
            name: name,
            digest: PulserIR.Digest(of: bytes),
            size: Int64(bytes.count),
            mediaType: name.hasSuffix(".html") ? "text/html" : "text/plain",
            content: isInline ? bytes : nil
        )
    }

    @Test("every part of an artifact can be had, and only what is there", arguments: Depth.allCases)
    func ranges(_ depth: Depth) async throws {
        try await GatewayBed.with(depth) { bed in
            let bytes = Array("0123456789".utf8)
            let run = try await self.store(bed, [self.row("a.txt", bytes)])
            let path = "/v1/runs/\(run)/artifacts/a.txt"
            let whole = try await bed.get(path)
            #expect(whole.status == 200 && whole.bytes == bytes)
            #expect(whole.fields[.acceptRanges] == "bytes")
            #expect(whole.fields[.contentDisposition]?.hasPrefix("attachment; ") == true)
            #expect(whole.fields[.xContentTypeOptions] == "nosniff")
            let digest = Data(SHA256.hash(data: bytes)).base64EncodedString()
            #expect(
                whole.fields[try #require(HTTPField.Name("repr-digest"))] == "sha-256=:\(digest):"
            )
            let tag = try #require(whole.fields[.eTag])
            for (range, status, text) in [
                ("bytes=0-0", 206, "0"), ("bytes=3-5", 206, "345"), ("bytes=7-", 206, "789"),
                ("bytes=-3", 206, "789"), ("bytes=-99", 206, "0123456789"),
                ("bytes=5-99", 206, "56789"), ("bytes=10-", 416, ""), ("bytes=-0", 416, ""),
                ("bytes=5-3", 200, "0123456789"), ("bytes=x", 200, "0123456789"),
                ("bytes=0-1,3-4", 200, "0123456789"), ("lines=1-2", 200, "0123456789"),
                ("bytes=99999999999999999999-", 416, ""),
            ] {
                let answer = try await bed.get(path, [.range: range])
                #expect(answer.status == status, "\(range)")
                if status == 416 {
                    #expect(answer.fields[.contentRange] == "bytes */10")
                } else {
                    #expect(answer.text == text, "\(range)")
                }
            }
            let part = try await bed.get(path, [.range: "bytes=3-5"])
            #expect(part.fields[.contentRange] == "bytes 3-5/10")
            let fresh = try await bed.get(path, [.range: "bytes=3-5", .ifRange: tag])
            #expect(fresh.status == 206)
            let old = try await bed.get(path, [.range: "bytes=3-5", .ifRange: "\"old\""])
            #expect(old.status == 200)
            #expect(try await bed.get(path, [.ifNoneMatch: tag]).status == 304)
            let head = try await bed.send(.head, path)
            #expect(head.status == 200 && head.bytes.isEmpty)
            #expect(head.fields[.contentLength] == "10")
        }
    }

    @Test("a page of a step is shown where it can do nothing, and only what says that it is one")
    func page() async throws {
        try await GatewayBed.with(.live) { bed in
            let bytes = Array("<style>b { color: red }</style><b>page</b>".utf8)
            let rows = ["a.html", "a.txt"].map { self.row($0, bytes) }
            let run = try await self.store(bed, rows)
            let path = "/v1/runs/\(run)/artifacts/a.html"
            let shown = try await bed.get(path + "?view=page")
            #expect(shown.status == 200 && shown.bytes == bytes)
            #expect(shown.fields[.contentType] == "text/html; charset=utf-8")
            #expect(shown.fields[.contentDisposition]?.hasPrefix("inline; ") == true)
            #expect(shown.fields[.xContentTypeOptions] == "nosniff")
            let policy = try #require(shown.fields[.contentSecurityPolicy])
            #expect(
                Set(policy.split(separator: "; ").map(String.init)) == [
                    "sandbox", "default-src 'none'", "img-src data:", "style-src 'unsafe-inline'",
                    "base-uri 'none'", "form-action 'none'", "frame-ancestors 'self'",
                ]
            )
            // What a browser has kept is shown by the same rules.
            let tag = try #require(shown.fields[.eTag])
            let kept = try await bed.get(path + "?view=page", [.ifNoneMatch: tag])
            #expect(kept.status == 304 && kept.fields[.contentSecurityPolicy] == policy)
            for other in ["", "?inline=true"] {
                let plain = try await bed.get(path + other)
                #expect(plain.fields[.contentDisposition]?.hasPrefix("attachment; ") == true)
                let kept = try #require(plain.fields[.contentSecurityPolicy])
                #expect(kept == "default-src 'none'; frame-ancestors 'none'")
            }
            for refused in ["a.txt?view=page", "a.html?view=frame"] {
                let answer = try await bed.get("/v1/runs/\(run)/artifacts/\(refused)")
                #expect(answer.status == 400 && answer.code == "invalid_parameter", "\(refused)")
            }
        }
    }

    @Test("an artifact that is replaced while it is read is told so, and takes nobody along")
    func replaced() async throws {
        try await GatewayBed.with { bed in
            let run = try await self.store(bed, [self.row("a.txt", Array("0123456789".utf8))])
            // What a retry leaves between the two readings: another size than the bytes have.
            try await bed.text("UPDATE artifact SET size = 20")
            let path = "/v1/runs/\(run)/artifacts/a.txt"
            for range in ["bytes=15-", "bytes=5-15", "bytes=-1"] {
                #expect(try await bed.get(path, [.range: range]).status == 409, "\(range)")
            }
        }
    }

    @Test("an artifact in the data directory is streamed; one that is gone is told so")
    func large() async throws {
        try await GatewayBed.with(.live) { bed in
            let bytes = (0..<1_500_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
            let uploaded = try await bed.upload(bytes)
            #expect(uploaded.status == 201, "\(uploaded.text)")
            let hex = PulserIR.Digest(of: bytes).hex
            try FileManager.default.moveItem(
                atPath: "\(bed.artifacts)/uploads/\(hex)",
                toPath: "\(bed.artifacts)/\(hex)"
            )
            let name = "ü/we ird\".html"
            let run = try await self.store(
                bed,
                [
                    self.row(name, bytes, isInline: false),
                    self.row("gone", Array("not there".utf8), isInline: false),
                ]
            )
            let path = "/v1/runs/\(run)/artifacts/%C3%BC%2Fwe%20ird%22.html"
            let whole = try await bed.get(path + "?inline=true")
            #expect(whole.status == 200 && whole.bytes == bytes)
            #expect(
                whole.fields[.contentDisposition]
                    == "attachment; filename=\"we_ird_.html\"; filename*=UTF-8''we%20ird%22.html"
            )
            let part = try await bed.get(path, [.range: "bytes=262140-262150"])
            #expect(part.bytes == Array(bytes[262_140...262_150]))
            // The node that stored it has left.
            #expect(try await bed.get("/v1/runs/\(run)/artifacts/gone").status == 503)
            try await bed.text("UPDATE artifact SET node = NULL")
            #expect(try await bed.get("/v1/runs/\(run)/artifacts/gone").status == 410)
            #expect(try await bed.get("/v1/runs/\(run)/artifacts/none").status == 404)
            let first = try await bed.get("/v1/runs/\(run)/artifacts?limit=1")
            let cursor = try #require(try first.json["next"]?.stringValue)
            let second = try await bed.get("/v1/runs/\(run)/artifacts?limit=1&cursor=\(cursor)")
            #expect(try second.json["next"] == .null)
            #expect(try first.json["artifacts"] != second.json["artifacts"])
        }
    }

    @Test("an upload is named by its digest; another than announced is refused and leaves nothing")
    func uploads() async throws {
        try await GatewayBed.with { bed in
            let bytes = Array("some input".utf8)
            let digest = Data(SHA256.hash(data: bytes)).base64EncodedString()
            let field = try #require(HTTPField.Name("content-digest"))
            let good = try await bed.upload(bytes, [field: "sha-256=:\(digest):"])
            #expect(good.status == 201, "\(good.text)")
            #expect(try good.json["digest"] == .string(PulserIR.Digest(of: bytes).description))
            #expect(try await bed.upload(bytes).status == 201)
            let bad = try await bed.upload([1, 2, 3], [field: "sha-256=:\(digest):"])
            #expect(bad.status == 422)
            #expect(try await bed.upload([1], [field: "sha-256=:nonsense:"]).status == 400)
            let gone = PulserIR.Digest(of: [1, 2, 3])
            #expect(try await bed.get("/v1/uploads/\(gone)").status == 404)
            let names = try FileManager.default.contentsOfDirectory(
                atPath: bed.artifacts + "/uploads"
            )
            #expect(!names.contains { $0.hasPrefix(".upload-") })
            let plan = """
                apiVersion: pulser/v1
                kind: Plan
                metadata: {name: file}
                inputs:
                  source: {type: string, format: path}
                steps:
                  - id: nap
                    if: inputs.source != 'none'
                    system: {sleep: 1ms}
                """
            let input = try #require(try good.json["input"])
            let run = try await bed.post(
                "/v1/runs",
                .object(["plan": .string(plan), "inputs": .object(["source": input])])
            )
            let path = "\(bed.artifacts)/\(PulserIR.Digest(of: bytes).hex)"
            #expect(try run.json["inputs"]?["source"] == .string(path))
            #expect(FileManager.default.contents(atPath: path) == Data(bytes))
            let relative = try await bed.post(
                "/v1/runs",
                .object(["plan": .string(plan), "inputs": .object(["source": .string("a/b")])])
            )
            #expect(relative.code == "invalid_inputs")
            let absent = JSONValue.string("upload:\(gone)")
            let early = try await bed.post(
                "/v1/runs",
                .object(["plan": .string(plan), "inputs": .object(["source": absent])])
            )
            #expect(early.code == "invalid_inputs")
        }
    }
}

extension GatewayBed {
    /// Where large artifacts lie.
    var artifacts: String { self.gateway.equipment.artifacts }
}
