// What expressions are worth, and what is wrong with those that are worth nothing.

import PulserIR
import Testing

@Suite("Expressions") struct ExpressionTests {
    static let scope = EvaluationScope(
        inputs: [
            "n": .integer(3), "x": .number(1.5), "name": .string("odoo"), "on": .bool(true),
            "list": .array([.integer(1), .string("two"), .null]), "none": .null,
            "map": .object(["a-b": .integer(7), "deep": .object(["v": .bool(false)])]),
        ],
        steps: [
            "pre-flight": .init(
                status: "succeeded",
                outputs: ["missing": .integer(4)],
                result: .object(["rows": .array([.object(["n": .integer(4)])])])
            )
        ],
        outputs: ["o": .string("out")],
        result: .object(["stdout": .string("hi\n"), "json": .null]),
        run: .object(["id": .string("abc"), "attempt": .integer(1)]),
        secrets: ["TOKEN": "s3cret", "JSON": #"{"a":"b"}"#],
        environment: ["HOME": "/root"],
        success: true,
        failure: false
    )

    private static let values: [(String, JSONValue)] = [
        ("inputs.n", .integer(3)), ("inputs['n']", .integer(3)), (" 1 ", .integer(1)),
        ("-1.5e3", .number(-1_500)), ("'it''s'", .string("it's")), ("null", .null),
        ("true || false && false", .bool(true)), ("(true || false) && false", .bool(false)),
        ("!false && !!true", .bool(true)), ("!(1 == 1)", .bool(false)),
        ("1 == 1.0", .bool(true)), ("1 < 1.5", .bool(true)), ("inputs.x >= 1.5", .bool(true)),
        ("inputs.n != null", .bool(true)), ("inputs.none == null", .bool(true)),
        ("null == 'a'", .bool(false)), ("'a' < 'b'", .bool(true)), ("'B' < 'a'", .bool(true)),
        ("'a' <= 'a'", .bool(true)), ("2 > 10", .bool(false)), ("'2' > '10'", .bool(true)),
        ("inputs.list == fromJSON('[1,\"two\",null]')", .bool(true)),
        ("inputs.list[1]", .string("two")), ("inputs.map['a-b']", .integer(7)),
        ("inputs.map.a-b", .integer(7)), ("inputs.map.deep.v", .bool(false)),
        ("steps.pre-flight.outputs.missing", .integer(4)),
        ("steps['pre-flight'].result.rows[0].n", .integer(4)),
        ("steps.pre-flight.status == 'succeeded'", .bool(true)),
        ("outputs.o", .string("out")), ("result.stdout", .string("hi\n")),
        ("run.id", .string("abc")), ("env.HOME", .string("/root")),
        ("contains('abc', 'b')", .bool(true)), ("contains(inputs.list, 1.0)", .bool(true)),
        ("contains(inputs.list, 'b')", .bool(false)), ("contains('', '')", .bool(true)),
        ("startsWith(inputs.name, 'od')", .bool(true)), ("endsWith('abc', 'bc')", .bool(true)),
        ("endsWith('c', 'bc')", .bool(false)),
        ("format('{0}-{1}-{0} {{}}', inputs.n, true)", .string("3-true-3 {}")),
        ("join(fromJSON('[1,\"a\",true]'), '+')", .string("1+a+true")),
        ("join(fromJSON('[1,2]'))", .string("1,2")),
        ("toJSON(inputs.list)", .string(#"[1,"two",null]"#)),
        ("fromJSON('{\"a\":[1]}').a[0]", .integer(1)), ("length('añ😀')", .integer(3)),
        ("length(inputs.list)", .integer(3)), ("length(inputs.map)", .integer(2)),
        ("default(inputs.none, 'v')", .string("v")),
        ("default(inputs.absent.deeper, 1)", .integer(1)),
        ("default(inputs.n, 9)", .integer(3)), ("default(inputs.list[7], 'x')", .string("x")),
        ("default(inputs.none.a.b, null)", .null), ("default(item, 'none')", .string("none")),
        ("sha256('')", .string("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")),
        ("success() && !failure() && always()", .bool(true)),
        ("false && inputs.absent", .bool(false)), ("true || inputs.absent", .bool(true)),
    ]

    @Test("an expression is worth what the language says", arguments: values)
    func value(source: String, expected: JSONValue) throws {
        let evaluated = try Expression(parsing: source).evaluate(in: Self.scope)
        #expect(evaluated == Evaluated(expected))
    }

    private static let syntaxErrors: [(String, Int, String, String?)] = [
        ("", 0, "empty expression", nil), ("  ", 0, "empty expression", nil),
        ("input.n", 0, "unknown name 'input'", "did you mean 'inputs'?"),
        ("  input.n", 2, "unknown name 'input'", "did you mean 'inputs'?"),
        ("inputs.", 7, "expected a name after '.'", nil),
        ("inputs.0", 7, "expected a name after '.'", "elements are read as [0]"),
        ("inputs[0", 6, "'[' is never closed", nil), ("(true", 0, "'(' is never closed", nil),
        ("\"a\"", 0, "unexpected '\"' in expression", "text goes in single quotes"),
        (
            "'a", 0, "the text that begins here has no closing quote",
            "write '' for a quote inside the text"
        ),
        ("true = true", 5, "unexpected '=' in expression", "equality is '=='"),
        ("true & true", 5, "unexpected '&' in expression", "'and' is '&&'"),
        ("true and true", 5, "unexpected 'a' in expression", nil),
        ("and", 0, "unknown name 'and'", "write '&&'"),
        (
            "1 + 1", 2, "unexpected '+' in expression",
            "there is no arithmetic; join texts with format('{0}{1}', a, b)"
        ),
        (
            "1 == 1 == 1", 7, "comparisons cannot be chained",
            "join two comparisons with '&&', or use brackets"
        ),
        ("startWith('a','b')", 0, "unknown function 'startWith'", "did you mean 'startsWith'?"),
        ("length", 0, "unknown name 'length'", "call it: length(text, list or object)"),
        (
            "contains('a')", 0, "contains takes 2 arguments, not 1",
            "write contains(text or list, part)"
        ),
        ("success(1)", 0, "success takes 0 arguments, not 1", "write success()"),
        ("007", 0, "not a number", "numbers are written as in JSON; text goes in single quotes"),
        ("1x", 0, "not a number", "numbers are written as in JSON; text goes in single quotes"),
        ("true &&", 7, "the expression ends too early", nil),
        ("inputs.a b", 9, "unexpected 'b' in expression", nil),
    ]

    @Test("a text that is no expression says where and why", arguments: syntaxErrors)
    func syntaxError(source: String, offset: Int, message: String, hint: String?) {
        let error = #expect(throws: ExpressionError.self) { try Expression(parsing: source) }
        #expect(error?.offset == offset)
        #expect(error?.message == message)
        #expect(error?.hint == hint)
    }

    private static let runErrors: [(String, Int, String, String?)] = [
        ("inputs.nam", 7, "unknown name 'nam' in inputs", "did you mean 'name'?"),
        (
            "steps.preflight.status", 6, "unknown name 'preflight' in steps",
            "did you mean 'pre-flight'?"
        ),
        (
            "steps.pre-flight.outputs.mising", 25, "unknown name 'mising' in 'outputs'",
            "did you mean 'missing'?"
        ),
        (
            "inputs.n == '3'", 9, "'==' cannot compare integer with string",
            "values are never converted; both sides must have one type"
        ),
        (
            "inputs.none < 1", 12, "'<' cannot compare null with integer",
            "values are never converted; both sides must have one type"
        ),
        (
            "true < false", 5, "'<' cannot compare boolean with boolean",
            "values are never converted; both sides must have one type"
        ),
        (
            "1 && true", 0, "'&&' takes booleans, not integer",
            "compare the value, as in 'x != null'"
        ),
        (
            "false || 'a'", 9, "'||' takes booleans, not string",
            "compare the value, as in 'x != null'"
        ),
        ("!inputs.none", 0, "'!' takes booleans, not null", "compare the value, as in 'x != null'"),
        (
            "inputs.list[3]", 11, "'list' has 3 elements, no [3]",
            "use default(…, fallback) for a read that may find nothing"
        ),
        (
            "inputs.list['a']", 11, "an array has no string index",
            "lists take [0], objects take .name or ['name']"
        ),
        (
            "inputs.name.x", 12, "'name' is a string and has no members",
            "parse JSON text with fromJSON(…)"
        ),
        ("join(inputs.list, ',')", 5, "join cannot write null as text", "use default(…, 'text')"),
        (
            "format('{1}', 1)", 7, "format: '{1}' has no argument",
            "arguments are {0}, {1}, …; a brace itself is written twice"
        ),
        ("fromJSON('{')", 9, "fromJSON: not valid JSON", nil),
        (
            "length(1)", 7, "length takes text, a list or an object, not integer",
            "write length(text, list or object)"
        ),
        (
            "default(1 && true, 2)", 8, "'&&' takes booleans, not integer",
            "compare the value, as in 'x != null'"
        ),
        ("item", 0, "there is no 'item' outside a fan_out", nil),
    ]

    @Test("a value that cannot be had says where and why", arguments: runErrors)
    func runError(source: String, offset: Int, message: String, hint: String?) throws {
        let expression = try Expression(parsing: source)
        let error = #expect(throws: ExpressionError.self) {
            try expression.evaluate(in: Self.scope)
        }
        #expect(error?.offset == offset)
        #expect(error?.message == message)
        #expect(error?.hint == hint)
    }

    @Test(
        "whatever is made of a secret is tainted",
        arguments: [
            "secrets.TOKEN", "format('x{0}', secrets.TOKEN)", "sha256(secrets.TOKEN)",
            "secrets.TOKEN == 'x'", "length(secrets.TOKEN) > 3 && true", "toJSON(secrets)",
            "default(secrets.TOKEN, 'x')", "default(inputs.none, secrets.TOKEN)",
            "fromJSON(secrets.JSON).a", "contains(inputs.list, secrets.TOKEN)",
            "secrets.TOKEN == 'x' || true", "default(fromJSON(secrets.JSON).a, 1)",
        ]
    )
    func taint(source: String) throws {
        #expect(try Expression(parsing: source).evaluate(in: Self.scope).isTainted)
    }

    @Test("an error about a secret does not show it")
    func secretsInErrors() throws {
        let sources = [
            "fromJSON(secrets.JSON).zz", "inputs[secrets.TOKEN]", "fromJSON(secrets.TOKEN)",
            "inputs.list[length(secrets.TOKEN)]", "inputs.map[secrets.TOKEN]",
        ]
        for source in sources {
            let expression = try Expression(parsing: source)
            let error = #expect(throws: ExpressionError.self) {
                try expression.evaluate(in: Self.scope)
            }
            let text = error?.description ?? ""
            #expect(!text.contains("s3cret") && !text.contains("'a'") && !text.contains("[6]"))
        }
    }

    @Test("length, nesting and value of an expression are limited")
    func limits() throws {
        func nested(_ depth: Int, _ open: String, _ close: String) -> String {
            String(repeating: open, count: depth) + "true" + String(repeating: close, count: depth)
        }
        _ = try Expression(parsing: nested(31, "(", ")"))
        #expect(throws: ExpressionError.self) { try Expression(parsing: nested(32, "(", ")")) }
        #expect(throws: ExpressionError.self) { try Expression(parsing: nested(4_000, "!", "")) }
        #expect(throws: ExpressionError.self) { try Expression(parsing: nested(2_000, "(", "")) }
        let chain = "true" + String(repeating: "||true", count: 680)
        #expect(try Expression(parsing: chain).evaluate(in: Self.scope).value == .bool(true))
        #expect(throws: ExpressionError.self) { try Expression(parsing: chain + "||false||false") }
        let members = "default(inputs" + String(repeating: ".a", count: 2_000) + ",1)"
        #expect(try Expression(parsing: members).evaluate(in: Self.scope).value == .integer(1))
        let large = EvaluationScope(inputs: ["t": .string(String(repeating: "x", count: 1 << 20))])
        #expect(throws: ExpressionError.self) {
            try Expression(parsing: "inputs.t").evaluate(in: large)
        }
        #expect(throws: ExpressionError.self) {
            try Expression(parsing: "length(format('{0}{0}', inputs.t))").evaluate(in: large)
        }
        #expect(
            try Expression(parsing: "length(inputs.t)").evaluate(in: large).value
                == .integer(1 << 20)
        )
    }

    @Test("references are found with their static path, softness and place")
    func references() throws {
        let source = "default(steps.a.outputs['b c'].d, inputs.x) == result[inputs.i].z"
        let found = try Expression(parsing: source).references
        #expect(found.map(\.text) == ["steps.a.outputs.b c.d", "inputs.x", "result", "inputs.i"])
        #expect(found.map(\.isSoft) == [true, false, false, false])
        #expect(found.map(\.isOpen) == [false, false, true, false])
        #expect(found.map(\.offset) == [8, 34, 47, 54])
        #expect(found.first?.pathOffsets == [14, 16, 23, 31])
    }

    @Test("an expression is coded as its text and equal by its text")
    func coding() throws {
        let expression = try Expression(parsing: "  inputs.n ")
        #expect(expression.source == "inputs.n")
        #expect(expression == (try Expression(parsing: "inputs.n")))
        #expect(expression != (try Expression(parsing: "inputs .n")))
        #expect(try JSONValue(encoding: [expression]) == .array([.string("inputs.n")]))
        #expect(throws: JSONError.self) {
            try JSONValue.array([.string("1 +")]).decode([Expression].self)
        }
    }
}
