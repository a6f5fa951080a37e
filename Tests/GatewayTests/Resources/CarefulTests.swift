// Decides what a careful user is told who sends almost the right thing.

import Foundation
import Gateway
import HTTPTypes
import NIOCore
import PulserIR
import Testing

@testable import Gateway

@Suite(.timeLimit(.minutes(2)))
struct CarefulTests {
    @Test("a parameter that a route does not take is refused, whatever the method")
    func parameters() async throws {
        try await GatewayBed.with { bed in
            for route in bed.gateway.endpoints where route.scope != nil {
                let path = route.path.replacing(/\{[a-z]+\}/, with: "x") + "?odd=1"
                let answer = try await bed.send(route.method, path)
                #expect(answer.code == "invalid_parameter", "\(route.name): \(answer.text)")
                #expect(answer.text.contains("'odd' is not known here"), "\(route.name)")
            }
            #expect(try await bed.text("SELECT count(*) FROM session") == "0")
            let none = try await bed.get("/v1/me?odd=1")
            #expect(none.text.contains("this takes no parameters"))
        }
    }

    @Test("what is not there says where to look")
    func lists() async throws {
        try await GatewayBed.with { bed in
            for (path, list) in [
                ("/v1/sessions/none", "/v1/sessions"), ("/v1/runs/zzzzzzzz/log", "/v1/runs"),
                ("/v1/templates/none/versions", "/v1/templates"), ("/v1/bulk/9", "/v1/bulk"),
                ("/v1/tokens/none", "/v1/tokens"),
            ] {
                let answer = try await bed.get(path)
                #expect(answer.code == "not_found", "\(path): \(answer.text)")
                let next = try answer.json["next"]?.stringValue
                #expect(next == "GET \(list) lists what there is", "\(path)")
            }
        }
    }

    @Test("a session is asked for by its name or its number, so no name is a number")
    func names() async throws {
        try await GatewayBed.with { bed in
            for (name, status) in [("1", 422), ("00", 422), ("1a", 201), ("0.1", 201)] {
                let answer = try await bed.post("/v1/sessions", .object(["name": .string(name)]))
                #expect(answer.status == status, "\(name): \(answer.text)")
            }
        }
    }

    @Test("a path tells its methods when it is asked for them")
    func options() async throws {
        try await GatewayBed.with { bed in
            let answer = try await bed.send(.options, "/v1/runs")
            #expect(answer.status == 204 && answer.fields[.allow] == "GET, HEAD, OPTIONS, POST")
            #expect(answer.fields[.accessControlAllowOrigin] == nil)
            #expect(try await bed.send(.options, "/v1/nothing").status == 404)
            let put = try await bed.send(.put, "/v1/runs")
            #expect(put.status == 405 && put.fields[.allow] == "GET, HEAD, OPTIONS, POST")
        }
    }

    @Test("the head of an answer has a length where its body has one", arguments: Depth.allCases)
    func lengths(_ depth: Depth) async throws {
        try await GatewayBed.with(depth) { bed in
            let run = try await bed.run()
            for (path, isKnown) in [
                ("/v1/runs/\(run)", true), ("/v1/nothing", true), ("/v1/events", false),
                ("/v1/runs/\(run)/log/raw", false),
            ] {
                let head = try await bed.send(.head, path)
                let length = head.fields[.contentLength].flatMap { Int($0) }
                #expect((length != nil) == isKnown && length != 0, "\(path): \(head.fields)")
            }
            let seen = try await bed.get("/v1/runs/\(run)")
            let tag = try #require(seen.fields[.eTag])
            let same = try await bed.get("/v1/runs/\(run)", [.ifNoneMatch: tag])
            #expect(same.status == 304 && same.fields[.contentLength] == nil)
            let options = try await bed.send(.options, "/v1/runs")
            #expect(options.status == 204 && options.fields[.contentLength] == nil)
        }
    }

    @Test("a body of another type, or packed, is not read as JSON")
    func bodies() async throws {
        try await GatewayBed.with { bed in
            let run = try await bed.run()
            let body = ByteBuffer(string: "{}")
            let gzip: HTTPFields = [.contentType: "application/json", .contentEncoding: "gzip"]
            for path in ["/v1/sessions", "/v1/runs/\(run)/cancel", "/v1/uploads"] {
                let packed = try await bed.send(.post, path, gzip, body: body)
                #expect(packed.code == "unsupported_media_type", "\(path): \(packed.text)")
            }
            let form: HTTPFields = [.contentType: "application/x-www-form-urlencoded"]
            let cancel = try await bed.send(.post, "/v1/runs/\(run)/cancel", form, body: body)
            #expect(cancel.code == "unsupported_media_type")
            let plain = try await bed.send(.post, "/v1/runs/\(run)/cancel", [:], body: body)
            #expect(plain.status == 202)
        }
    }

    @Test(
        "what no route sees is refused with a problem too, over both protocols",
        arguments: [
            (["-X", "CONNECT"], 405, "method_not_allowed"), (["-X", "a{b"], 400, "bad_request"),
            (["-H", "x-long: LONG"], 431, "headers_too_large"),
            (["--http2-prior-knowledge", "-H", "x-long: LONG"], 431, "headers_too_large"),
            (["-G", "-d", "text=LONG"], 414, "uri_too_long"),
        ] as [([String], Int, String)]
    )
    func refusals(_ words: [String], _ status: Int, _ code: String) async throws {
        let long = String(repeating: "a", count: 20_000)
        let arguments = words.map { $0.replacing("LONG", with: long) }
        try await GatewayBed.with(.live) { bed in
            let url = "http://127.0.0.1:\(bed.port)/v1/runs"
            let text = try await Self.curl(["-s", "-w", "\n%{http_code}"] + arguments + [url])
            let lines = text.split(separator: "\n")
            #expect(lines.last == "\(status)")
            let problem = try JSONValue(parsing: String(lines.first ?? ""))
            #expect(
                problem["code"] == .string(code) && problem["status"] == .integer(Int64(status))
            )
            #expect(problem["trace_id"]?.stringValue?.count == 32)
            #expect(problem["next"]?.stringValue?.isEmpty == false)
        }
    }

    private static func curl(_ arguments: [String]) async throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/curl")
        process.arguments = arguments
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        return await withCheckedContinuation { continuation in
            DispatchQueue.global().async {
                let data = output.fileHandleForReading.readDataToEndOfFile()
                process.waitUntilExit()
                continuation.resume(returning: String(decoding: data, as: UTF8.self))
            }
        }
    }

    @Test("a time zone is understood also where its + was not encoded")
    func times() async throws {
        try await GatewayBed.with { bed in
            _ = try await bed.run()
            for (text, count) in [
                ("2020-01-01T00:00:00+02:00", 1), ("2020-01-01T00:00:00%2B02:00", 1),
                ("2999-01-01T00:00:00.5-01:30", 0),
            ] {
                let answer = try await bed.get("/v1/runs?enqueued_after=\(text)")
                #expect(try answer.json["runs"]?.arrayValue?.count == count, "\(answer.text)")
            }
            #expect(try await bed.get("/v1/runs?enqueued_after=2020-01-01").status == 400)
        }
    }
}
