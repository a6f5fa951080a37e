// What values with expressions render to.

import PulserIR
import Testing

@Suite("Templates") struct TemplateTests {
    private static let rendered: [(JSONValue, JSONValue)] = [
        (.string("plain"), .string("plain")), (.string("{{ inputs.n }}"), .integer(3)),
        (.string(" {{ inputs.n }}"), .string(" 3")),
        (.string("{{inputs.list}}"), .array([.integer(1), .string("two"), .null])),
        (.string("{{ inputs.name }}-{{ inputs.x }}/{{ inputs.on }}"), .string("odoo-1.5/true")),
        (.string("{{ '}}' }}"), .string("}}")), (.string("{{ '{{' }} x }}"), .string("{{ x }}")),
        (.string("a } { b }} {c}"), .string("a } { b }} {c}")), (.integer(5), .integer(5)),
        (.array([.string("{{ inputs.n }}"), .null]), .array([.integer(3), .null])),
        (.object(["{{ k }}": .string("{{ inputs.none }}")]), .object(["{{ k }}": .null])),
    ]

    @Test("a template renders to its values", arguments: rendered)
    func render(source: JSONValue, expected: JSONValue) throws {
        let template = try Template(parsing: source)
        #expect(try template.render(in: ExpressionTests.scope) == Evaluated(expected))
    }

    @Test("what a template renders is never expanded again")
    func onePass() throws {
        let scope = EvaluationScope(inputs: ["t": .string("{{ secrets.TOKEN }}")])
        let template = try Template(parsing: .string("x {{ inputs.t }}"))
        #expect(try template.render(in: scope).value == .string("x {{ secrets.TOKEN }}"))
    }

    @Test(
        "null, lists and objects cannot be embedded in text",
        arguments: [
            ("none", "use default(…, 'text')"), ("list", "use toJSON(…)"), ("map", "use toJSON(…)"),
        ]
    )
    func embedding(name: String, hint: String) throws {
        let template = try Template(parsing: .string("x {{ inputs.\(name) }}"))
        let error = #expect(throws: ExpressionError.self) {
            try template.render(in: ExpressionTests.scope)
        }
        #expect(error?.hint == hint)
    }

    @Test("a secret taints the text, list or object around it")
    func taint() throws {
        let sources: [JSONValue] = [
            .string("Bearer {{ secrets.TOKEN }}"), .array([.string("{{ secrets.TOKEN }}")]),
            .object(["a": .array([.string("x{{ secrets.TOKEN }}")])]),
        ]
        for source in sources {
            #expect(try Template(parsing: source).render(in: ExpressionTests.scope).isTainted)
        }
    }

    @Test("an error stands at its byte of the text")
    func errors() {
        let unclosed = #expect(throws: ExpressionError.self) {
            try Template(parsing: .string("ab {{ inputs.n }} {{ 'x }}"))
        }
        #expect(unclosed?.offset == 18)
        #expect(unclosed?.message == "'{{' is never closed")
        let unknown = #expect(throws: ExpressionError.self) {
            try Template(parsing: .string("é {{  input.n }}"))
        }
        #expect(unknown?.offset == 7)
    }

    @Test("a template is coded as what was written")
    func coding() throws {
        let source = JSONValue.object(["a": .string("{{ inputs.n }}"), "b": .array([.integer(1)])])
        let template = try Template(parsing: source)
        #expect(try JSONValue(encoding: template) == source)
        #expect(try source.decode(Template.self) == template)
        #expect(template.expressions.map(\.source) == ["inputs.n"])
        #expect(!template.isLiteral)
        #expect(try Template(parsing: .array([.string("a")])).isLiteral)
    }

    @Test("a literal yields its value even when that looks like an expression, coded or not")
    func literal() throws {
        let value = JSONValue.array([.string("{{ inputs.n }} {{{{"), .string("{{"), .integer(1)])
        let template = Template.literal(value)
        #expect(template.isLiteral)
        #expect(try template.render(in: ExpressionTests.scope).value == value)
        let again = try JSONValue(encoding: template).decode(Template.self)
        #expect(try again.render(in: ExpressionTests.scope).value == value)
    }
}
