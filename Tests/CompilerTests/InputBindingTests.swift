// A run gets exactly the inputs its plan declares.

import Compiler
import PulserIR
import Testing

@Suite("Input binding") struct InputBindingTests {
    private static let plan = Plan(
        name: "p",
        inputs: [
            "env": InputDeclaration(
                type: .string,
                allowed: [.string("dev"), .string("prod")],
                fallback: .string("dev")
            ),
            "count": InputDeclaration(type: .integer),
            "ratio": InputDeclaration(type: .number, fallback: .number(0.5)),
            "dry": InputDeclaration(type: .boolean, fallback: .bool(false)),
            "hosts": InputDeclaration(type: .array, fallback: .array([])),
        ]
    )

    @Test("texts are read by the declared types and defaults filled in")
    func texts() throws {
        let bound = try PlanCompiler.bind(
            inputs: ["count": "-3", "ratio": "2", "dry": "true", "hosts": #"["a"]"#],
            to: Self.plan
        )
        #expect(
            bound
                == .object([
                    "env": .string("dev"), "count": .integer(-3), "ratio": .integer(2),
                    "dry": .bool(true), "hosts": .array([.string("a")]),
                ])
        )
    }

    private static let misfits: [([String: String], [String])] = [
        ([:], ["input 'count' is missing; hint: give a value of type integer"]),
        (["count": "3.0"], ["input 'count' must be of type integer"]),
        (["count": "1", "dry": "yes"], ["input 'dry' must be of type boolean"]),
        (["count": "1", "hosts": "{}"], ["input 'hosts' must be of type array"]),
        (["count": "1", "ratio": "nan"], ["input 'ratio' must be of type number"]),
        (["count": "1", "env": "test"], ["input 'env' must be one of dev, prod"]),
        (["cuont": "1", "count": "1"], ["unknown input 'cuont'; hint: did you mean 'count'?"]),
    ]

    @Test("what does not fit is named", arguments: misfits)
    func refused(given: [String: String], problems: [String]) {
        let error = #expect(throws: InputError.self) {
            try PlanCompiler.bind(inputs: given, to: Self.plan)
        }
        #expect(error?.problems == problems)
    }

    @Test("a JSON object is checked by type, without conversion")
    func object() throws {
        let given = JSONValue.object(["count": .string("1"), "env": .string("prod")])
        let error = #expect(throws: InputError.self) {
            try PlanCompiler.bind(inputs: given, to: Self.plan)
        }
        #expect(error?.problems == ["input 'count' must be of type integer, not string"])
        #expect(throws: InputError.self) {
            try PlanCompiler.bind(inputs: .array([]), to: Self.plan)
        }
        let bound = try PlanCompiler.bind(inputs: .object(["count": .integer(1)]), to: Self.plan)
        #expect(bound["ratio"] == .number(0.5))
    }

    @Test("inputs above the limit are refused")
    func size() {
        let plan = Plan(name: "p", inputs: ["t": InputDeclaration(type: .string)])
        let text = String(repeating: "x", count: Limits.inputsBytesMax)
        #expect(throws: InputError.self) { try PlanCompiler.bind(inputs: ["t": text], to: plan) }
    }
}
