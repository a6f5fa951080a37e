// Where parameters stand in a statement, and what cells become.

import PulserIR
import Testing

@testable import Tools

@Suite("SQL text")
struct SQLTextTests {
    @Test(
        "only code holds parameters",
        arguments: [
            ("select :a, :b, :a", "select $1, $2, $1", ["a", "b"]),
            ("select x::int, :a::text", "select x::int, $1::text", ["a"]),
            ("select ':no', \":no\" , :a", "select ':no', \":no\" , $1", ["a"]),
            ("select 'it''s :no' || :a", "select 'it''s :no' || $1", ["a"]),
            ("select E'\\' :no', :a", "select E'\\' :no', $1", ["a"]),
            ("select '\\', :a", "select '\\', $1", ["a"]),
            ("-- :no\nselect :a", "-- :no\nselect $1", ["a"]),
            ("/* :no /* :no */ :no */ select :a", "/* :no /* :no */ :no */ select $1", ["a"]),
            ("select $$ :no $$, $t$ :no $$ $t$, :a", "select $$ :no $$, $t$ :no $$ $t$, $1", ["a"]),
            ("select a[1:2], b := 1, :a1", "select a[1:2], b := 1, $1", ["a1"]),
            ("select type'x', :a", "select type'x', $1", ["a"]),
            ("select 1", "select 1", []),
            ("select ':unterminated", "select ':unterminated", []),
        ]
    )
    func parameters(_ sql: String, _ text: String, _ names: [String]) {
        let scan = NamedParameters(sql)
        #expect(scan.text == text)
        #expect(scan.names == names)
    }

    @Test("a file is cut into its statements at code semicolons only")
    func statements() {
        let scan = NamedParameters(
            "create table t (a int); -- ; x\n;; insert into t values (1); do $$ begin; end $$;\n-- end",
            bindsParameters: false
        )
        #expect(
            scan.statements == [
                "create table t (a int)", " insert into t values (1)", " do $$ begin; end $$",
            ]
        )
        #expect(NamedParameters("select :a", bindsParameters: false).text == "select :a")
    }

    @Test(
        "cells become JSON by their type",
        arguments: [
            ("t", 16, JSONValue.bool(true)), ("f", 16, .bool(false)), ("7", 23, .integer(7)),
            ("9007199254740992", 20, .integer(9_007_199_254_740_992)),
            ("9007199254740993", 20, .string("9007199254740993")),
            ("1.5", 701, .number(1.5)), ("NaN", 701, .string("NaN")), ("3", 700, .integer(3)),
            ("12.50", 1_700, .number(12.5)), ("10", 1_700, .integer(10)),
            ("2.00", 1_700, .integer(2)),
            ("0.1234567890123456789", 1_700, .string("0.1234567890123456789")),
            ("-0.5", 1_700, .number(-0.5)), ("NaN", 1_700, .string("NaN")),
            (#"{"a": [1, null]}"#, 3_802, .object(["a": .array([.integer(1), .null])])),
            ("null", 114, .null), ("x", 25, .string("x")),
            ("2024-01-01", 1_082, .string("2024-01-01")),
        ] as [(String, UInt32, JSONValue)]
    )
    func cells(_ text: String, _ type: UInt32, _ value: JSONValue) {
        #expect(CellMapping.value(text, type: type) == value)
    }
}
