// What a template may become at the place where it is used; secrets reach only some places.

import PulserIR

/// Renders templates for typed places: an argument, an environment value, a header, a path.
struct Sink {
    /// What expressions see.
    let scope: EvaluationScope

    /// A text without NUL; numbers and booleans become text, null, lists and objects are refused.
    ///
    /// `place` names the sink in error sentences. A tainted value is refused unless
    /// `allowsSecrets`.
    func text(
        _ template: Template,
        for place: String,
        allowsSecrets: Bool = false
    ) throws(ToolFailure) -> String {
        let value = try self.value(template, for: place, allowsSecrets: allowsSecrets)
        guard let text = value.plainText else {
            throw ToolFailure(
                .error,
                "\(place) needs text, not \(value.typeName); use toJSON(…) or default(…)"
            )
        }
        guard !text.utf8.contains(0) else { throw ToolFailure(.error, "\(place) holds a NUL") }
        return text
    }

    /// Any JSON value.
    func value(
        _ template: Template,
        for place: String,
        allowsSecrets: Bool = false
    ) throws(ToolFailure) -> JSONValue {
        let evaluated: Evaluated
        do {
            evaluated = try template.render(in: self.scope)
        } catch {
            throw ToolFailure(.error, "\(place): \(error.message)")
        }
        return try Self.admit(evaluated, for: place, allowsSecrets: allowsSecrets)
    }

    /// One embedded expression's text.
    func text(_ expression: Expression, for place: String) throws(ToolFailure) -> String {
        let evaluated: Evaluated
        do {
            evaluated = try expression.evaluate(in: self.scope)
        } catch {
            throw ToolFailure(.error, "\(place): \(error.message)")
        }
        let value = try Self.admit(evaluated, for: place, allowsSecrets: false)
        guard let text = value.plainText else {
            throw ToolFailure(.error, "\(place) needs text, not \(value.typeName)")
        }
        return text
    }

    private static func admit(
        _ evaluated: Evaluated,
        for place: String,
        allowsSecrets: Bool
    ) throws(ToolFailure) -> JSONValue {
        guard allowsSecrets || !evaluated.isTainted else {
            throw ToolFailure(
                .error,
                "\(place) may not hold a secret; secrets go into env, headers and DSNs"
            )
        }
        return evaluated.value
    }
}

extension JSONValue {
    /// The text of a scalar as it is embedded in other text; `nil` for null, lists and objects.
    var plainText: String? {
        switch self {
        case .string(let text): text
        case .bool, .integer, .number: self.canonicalText
        case .null, .array, .object: nil
        }
    }
}
