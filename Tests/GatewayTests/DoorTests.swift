// What the door promises of every answer, whatever the handler did.

import Gateway
import HTTP2
import HTTPTypes
import NIOCore
import PulserIR
import Testing

@Suite("The door")
struct DoorTests {
    @Test("an answer has a date, a trace id and what keeps browsers safe")
    func fields() async throws {
        try await GatewayBed.with { bed in
            let answer = try await bed.get("/v1/problems/not_found")
            #expect(answer.status == 200)
            #expect(try answer.json["status"] == .integer(404))
            #expect(answer.fields[.contentType] == "application/json")
            #expect(answer.fields[.contentLength] == "\(answer.bytes.count)")
            #expect(answer.fields[.date]?.hasSuffix(" GMT") == true)
            #expect(answer.fields[try #require(HTTPField.Name("x-trace-id"))]?.count == 32)
            #expect(answer.fields[.xContentTypeOptions] == "nosniff")
        }
    }

    @Test("a caller's trace goes on; a broken one is replaced")
    func trace() async throws {
        let name = try #require(HTTPField.Name("traceparent"))
        let id = "4bf92f3577b34da6a3ce929d0e0e4736"
        try await GatewayBed.with { bed in
            let answer = try await bed.get(
                "/v1/problems/nothing",
                [name: "00-\(id)-00f067aa0ba902b7-01"]
            )
            #expect(try answer.json["trace_id"] == .string(id))
            let zero = String(repeating: "0", count: 32)
            let other = try await bed.get(
                "/v1/problems/nothing",
                [name: "00-\(zero)-00f067aa0ba902b7-01"]
            )
            #expect(try other.json["trace_id"]?.stringValue?.count == 32)
            #expect(try other.json["trace_id"] != .string(zero))
        }
    }

    @Test("HEAD has the fields of GET and no body")
    func head() async throws {
        try await GatewayBed.with { bed in
            let get = try await bed.get("/v1/problems/not_found")
            let head = try await bed.send(.head, "/v1/problems/not_found")
            #expect(head.status == 200)
            #expect(head.bytes.isEmpty)
            #expect(head.fields[.contentLength] == get.fields[.contentLength])
        }
    }

    @Test("an unknown path is a problem document, an unknown method names the known ones")
    func unknown() async throws {
        try await GatewayBed.with { bed in
            let path = try await bed.get("/v1/nothing")
            #expect(path.status == 404)
            #expect(path.code == "not_found")
            #expect(try path.json["type"] == .string("/v1/problems/not_found"))
            #expect(try path.json["next"]?.stringValue?.isEmpty == false)
            let method = try await bed.send(.delete, "/v1/problems/not_found")
            #expect(method.status == 405)
            #expect(method.code == "method_not_allowed")
            #expect(method.fields[.allow] == "GET, HEAD, OPTIONS")
        }
    }
}
