// Which values fit which schemas.

import Testing

@testable import PulserIR

@Suite("JSON Schema")
struct JSONSchemaTests {
    /// Schema, a value that fits, a value that does not.
    static let table: [(String, String, String)] = [
        (#"{"type": "integer"}"#, "1.0", "1.5"),
        (#"{"type": ["string", "null"]}"#, "null", "1"),
        (#"{"type": "number"}"#, "1", "\"1\""),
        (#"{"type": "boolean"}"#, "false", "0"),
        (#"{"type": "array"}"#, "[]", "{}"),
        (#"{"type": "object"}"#, "{}", "[]"),
        (#"{"enum": [1, "a", {"b": 2}]}"#, #"{"b": 2.0}"#, #""b""#),
        (#"{"const": [1, {"a": null}]}"#, #"[1, {"a": null}]"#, "[1, {}]"),
        (#"{"properties": {"a": {"type": "string"}}}"#, #"{"a": "x", "b": 1}"#, #"{"a": 1}"#),
        (#"{"required": ["a"]}"#, #"{"a": null}"#, #"{"b": 1}"#),
        (
            #"{"properties": {"a": true}, "additionalProperties": false}"#, #"{"a": 1}"#,
            #"{"b": 1}"#
        ),
        (#"{"additionalProperties": {"type": "integer"}}"#, #"{"a": 1}"#, #"{"a": "x"}"#),
        (
            #"{"patternProperties": {"^x-": {"type": "integer"}}}"#, #"{"x-a": 1, "b": ""}"#,
            #"{"x-a": ""}"#
        ),
        (
            #"{"patternProperties": {"^a": true}, "additionalProperties": false}"#, #"{"ab": 1}"#,
            #"{"b": 1}"#
        ),
        (#"{"items": {"type": "integer"}}"#, "[1, 2]", #"[1, "2"]"#),
        (#"{"prefixItems": [{"type": "string"}], "items": false}"#, #"["a"]"#, #"["a", 1]"#),
        (#"{"prefixItems": [{"type": "string"}, {"type": "integer"}]}"#, #"["a"]"#, #"["a", "b"]"#),
        (#"{"minItems": 2}"#, "[1, 2]", "[1]"),
        (#"{"maxItems": 1}"#, "[1]", "[1, 2]"),
        (#"{"uniqueItems": true}"#, #"[1, "1", [1]]"#, "[1, 1.0]"),
        (
            #"{"uniqueItems": true}"#, #"[{"a": 1}, {"a": 2}]"#,
            #"[{"a": 1, "b": 2}, {"b": 2, "a": 1}]"#
        ),
        (#"{"contains": {"type": "string"}}"#, #"[1, "a"]"#, "[1]"),
        (#"{"contains": {"type": "string"}, "minContains": 2}"#, #"["a", "b"]"#, #"["a"]"#),
        (#"{"contains": {"type": "string"}, "maxContains": 1}"#, #"["a", 1]"#, #"["a", "b"]"#),
        (#"{"contains": {"const": 1}, "minContains": 0, "maxContains": 1}"#, "[]", "[1, 1]"),
        (#"{"minLength": 2}"#, #""äö""#, #""ä""#),
        (#"{"maxLength": 2}"#, #""äö""#, #""abc""#),
        (#"{"maxLength": 1}"#, #""\uD83D\uDE00""#, #""e\u0301""#),
        (#"{"pattern": "^[a-z]+$"}"#, #""abc""#, #""aBc""#),
        (#"{"pattern": "b"}"#, #""abc""#, #""ac""#),
        (#"{"minimum": 1}"#, "1", "0.99"),
        (#"{"maximum": 1}"#, "1.0", "1.01"),
        (#"{"exclusiveMinimum": 1}"#, "2", "1"),
        (#"{"exclusiveMaximum": 1}"#, "0", "1.0"),
        (#"{"minimum": 9223372036854775807}"#, "9223372036854775807", "9223372036854775806"),
        (#"{"multipleOf": 3}"#, "9", "10"),
        (#"{"multipleOf": 0.1}"#, "0.3", "0.35"),
        (#"{"multipleOf": 0.01}"#, "19.99", "19.995"),
        (#"{"allOf": [{"minimum": 1}, {"maximum": 3}]}"#, "2", "4"),
        (#"{"anyOf": [{"type": "string"}, {"minimum": 5}]}"#, "5", "4"),
        (#"{"oneOf": [{"multipleOf": 2}, {"multipleOf": 3}]}"#, "4", "6"),
        (#"{"oneOf": [{"multipleOf": 2}, {"multipleOf": 3}]}"#, "9", "7"),
        (#"{"not": {"type": "string"}}"#, "1", #""a""#),
        (
            #"{"if": {"type": "string"}, "then": {"minLength": 2}, "else": {"minimum": 1}}"#,
            #""ab""#, #""a""#
        ),
        (
            #"{"if": {"type": "string"}, "then": {"minLength": 2}, "else": {"minimum": 1}}"#, "1",
            "0"
        ),
        (#"{"if": {"const": 1}, "else": false}"#, "1", "2"),
        (##"{"$ref": "#/$defs/p", "$defs": {"p": {"minimum": 1}}}"##, "1", "0"),
        (
            ##"{"properties": {"next": {"$ref": "#"}, "v": {"type": "integer"}}}"##,
            #"{"next": {"v": 1}}"#, #"{"next": {"next": {"v": "x"}}}"#
        ),
        (##"{"$ref": "#pos", "$defs": {"a": {"$anchor": "pos", "minimum": 0}}}"##, "0", "-1"),
        (##"{"$ref": "#/$defs/a~1b~0c", "$defs": {"a/b~c": {"minimum": 0}}}"##, "0", "-1"),
        (##"{"$ref": "#/$defs/p", "maximum": 5, "$defs": {"p": {"minimum": 1}}}"##, "5", "6"),
        (#"{"dependentRequired": {"a": ["b"]}}"#, #"{"b": 1}"#, #"{"a": 1}"#),
        (#"{"dependentSchemas": {"a": {"required": ["b"]}}}"#, #"{"a": 1, "b": 1}"#, #"{"a": 1}"#),
        (#"{"minProperties": 1}"#, #"{"a": 1}"#, "{}"),
        (#"{"maxProperties": 1}"#, #"{"a": 1}"#, #"{"a": 1, "b": 2}"#),
        (#"{"propertyNames": {"maxLength": 1}}"#, #"{"a": 1}"#, #"{"ab": 1}"#),
        (#"{"minLength": 5, "type": "integer"}"#, "1", #""abcdef""#),
        (
            #"{"properties": {"a": {"items": {"required": ["b"]}}}}"#, #"{"a": [{"b": 1}]}"#,
            #"{"a": [{}]}"#
        ),
        (#"{"format": "email", "x-note": 1, "title": "t", "type": "string"}"#, #""no email""#, "1"),
        (#"{"items": {"minimum": 3}}"#, #""not an array""#, "[2]"),
        (#"{"allOf": [true, {"anyOf": [false, {"const": null}]}]}"#, "null", "0"),
        (#"{"required": ["a"]}"#, "12", "{}"),
    ]

    @Test("a fitting value passes, another does not", arguments: Self.table)
    func keywords(_ schema: String, _ fitting: String, _ other: String) throws {
        var validator = try JSONSchema(JSONValue(parsing: schema))
        #expect(try validator.validate(JSONValue(parsing: fitting)) == nil)
        #expect(try validator.validate(JSONValue(parsing: other)) != nil)
    }

    @Test(
        "a schema that is not understood is an error",
        arguments: [
            #"{"unevaluatedProperties": false}"#, #"{"typ": "string"}"#, #"{"type": "text"}"#,
            #"{"$ref": "https://example.com/x"}"#, #"{"required": "a"}"#, #"{"pattern": "("}"#,
            #"{"properties": {"a": {"minmum": 1}}}"#, #"{"items": []}"#, #"{"allOf": []}"#,
            #"{"multipleOf": 0}"#, #"{"minLength": -1}"#, ##"{"$dynamicRef": "#a"}"##, "3",
            #"{"dependencies": {}}"#, #"{"uniqueItems": 1}"#,
        ]
    )
    func unknown(_ schema: String) throws {
        let value = try JSONValue(parsing: schema)
        #expect(throws: JSONSchema.SchemaError.self) { try JSONSchema(value) }
    }

    @Test("a reference to nowhere and one to itself end in an error")
    func references() throws {
        for schema in [
            ##"{"$ref": "#/$defs/none"}"##, ##"{"$ref": "#"}"##, ##"{"$ref": "#none"}"##,
        ] {
            var validator = try JSONSchema(JSONValue(parsing: schema))
            #expect(throws: JSONSchema.SchemaError.self) { try validator.validate(.null) }
        }
    }

    @Test("a violation names its place as a JSON pointer")
    func place() throws {
        var validator = try JSONSchema(
            JSONValue(parsing: #"{"properties": {"a/b": {"items": {"type": "string"}}}}"#)
        )
        let found = try validator.validate(JSONValue(parsing: #"{"a/b": ["x", 1]}"#))
        #expect(found == .init(pointer: "/a~1b/1", message: "is integer, not string"))
    }
}
