// Decides that every value comes back as it was sent.

import Logging
import Postgres
import TestBed
import Testing

@Suite(.serialized, .timeLimit(.minutes(2)))
struct CodecTests {
    private func roundTrip<Value: Equatable>(
        _ type: PostgresType,
        _ value: PostgresValue,
        is expected: Value,
        _ read: (PostgresRows) throws -> Value
    ) async throws {
        try await withFreshConnection { connection, _ in
            let statement = PostgresStatement("codec.\(type.rawValue)", [type], "SELECT $1")
            let rows = try await connection.execute(statement, [value])
            #expect(rows.columnType(0) == type)
            let received = try read(rows)
            #expect(received == expected)
            let null = try await connection.execute(statement, [.null])
            #expect(null.isNull(0, 0))
        }
    }

    @Test("booleans, numbers and times come back", arguments: [Int64(0), 1, -1, 32_767, -32_768])
    func integers(_ value: Int64) async throws {
        for type in [PostgresType.int2, .int4, .int8] {
            try await self.roundTrip(type, .int8(value), is: value) { try $0.int64(0, 0) }
        }
        try await self.roundTrip(.float8, .int8(value), is: Double(value)) { try $0.double(0, 0) }
        try await self.roundTrip(.timestamptz, .int8(value), is: value) {
            try $0.timestampMicrosecondsSinceEpoch(0, 0)
        }
        try await self.roundTrip(.bool, .bool(value > 0), is: (value > 0)) { try $0.bool(0, 0) }
    }

    @Test("the limits of whole numbers hold, and beyond them a value is refused")
    func limits() async throws {
        for value in [Int64.min, Int64.max] {
            try await self.roundTrip(.int8, .int8(value), is: value) { try $0.int64(0, 0) }
            let error = await postgresError {
                try await self.roundTrip(.int4, .int8(value), is: value) { try $0.int64(0, 0) }
            }
            #expect(error?.code == .invalidParameter)
        }
        try await self.roundTrip(.float8, .float8(.infinity), is: .infinity) { try $0.double(0, 0) }
        try await self.roundTrip(.float8, .float8(-0.1), is: -0.1) { try $0.double(0, 0) }
    }

    @Test("text, bytes, JSON and identifiers come back")
    func texts() async throws {
        for text in ["", "häß 🚦", String(repeating: "x", count: 100_000)] {
            for type in [PostgresType.text, .varchar] {
                try await self.roundTrip(type, .text(text), is: text) { try $0.text(0, 0) }
            }
        }
        for bytes in [[], [0], Array(0...255)] as [[UInt8]] {
            try await self.roundTrip(.bytea, .bytes(bytes), is: bytes) { try $0.bytes(0, 0) }
        }
        try await self.roundTrip(.jsonb, .jsonb(#"{"a": [1, null]}"#), is: #"{"a": [1, null]}"#) {
            try $0.text(0, 0)
        }
        try await self.roundTrip(.json, .text(#"{"a":1}"#), is: #"{"a":1}"#) { try $0.text(0, 0) }
        let id = "00112233-4455-6677-8899-aabbccddeeff"
        try await self.roundTrip(.uuid, .text(id), is: id) { try $0.text(0, 0) }
        let bytes = (0..<16).map { UInt8($0 * 17) }
        try await self.roundTrip(.uuid, .bytes(bytes), is: bytes) { try $0.bytes(0, 0) }
    }

    @Test("arrays come back, empty and with NULLs")
    func arrays() async throws {
        for values in [[], [1, -2, nil, .max]] as [[Int64?]] {
            try await self.roundTrip(.int8Array, .int8Array(values), is: values) {
                try $0.int64Array(0, 0)
            }
        }
        try await self.roundTrip(.int4Array, .int4Array([3, -4]), is: [3, -4]) {
            try $0.int64Array(0, 0)
        }
        for values in [[], ["a", nil, "", "{\"',}"]] as [[String?]] {
            try await self.roundTrip(.textArray, .textArray(values), is: values) {
                try $0.textArray(0, 0)
            }
        }
        try await self.roundTrip(
            .byteaArray,
            .byteaArray([[0, 1], nil, []]),
            is: [[0, 1], nil, []]
        ) { try $0.bytesArray(0, 0) }
        try await self.roundTrip(
            .jsonbArray,
            .jsonbArray(["{}", nil, "[1]"]),
            is: ["{}", nil, "[1]"]
        ) { try $0.textArray(0, 0) }
        try await self.roundTrip(.boolArray, .boolArray([true, false]), is: [true, false]) {
            try $0.boolArray(0, 0)
        }
        try await self.roundTrip(.float8Array, .float8Array([0.5, -1]), is: [0.5, -1]) {
            try $0.doubleArray(0, 0)
        }
    }

    @Test("a cell of another type is an error, not a wrong value")
    func mismatch() async throws {
        try await withFreshConnection { connection, _ in
            let statement = PostgresStatement("codec.text", [], "SELECT 'a'::text, NULL::int8")
            let rows = try await connection.execute(statement)
            #expect(throws: PostgresError.self) { try rows.int64(0, 0) }
            #expect(throws: PostgresError.self) { try rows.int64(0, 1) }
            #expect(throws: PostgresError.self) { try rows.text(1, 0) }
            #expect(throws: PostgresError.self) { try rows.text(0, 2) }
            #expect(try rows.int64IfPresent(0, 1) == nil)
        }
    }
}
