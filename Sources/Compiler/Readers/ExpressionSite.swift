// Where an expression stands, and what it may read there.

internal import PulserIR

/// What the place of an expression allows.
struct ExpressionContext {
    /// The words for the place in errors, as in "an argument".
    var place: String
    /// The step whose `needs` decide which steps are seen; `nil` sees all, as plan outputs do.
    var step: String?
    /// Whether `result` is known.
    var seesResult = false
    /// Whether the step's own `outputs` are known.
    var seesOutputs = false
    /// Whether `item` is known.
    var seesItem = false
    /// Whether this is a sink for secrets.
    var takesSecrets = false

    /// The same surroundings at another place, which takes secrets only when it says so.
    func at(_ place: String, takesSecrets: Bool = false) -> ExpressionContext {
        var context = self
        context.place = place
        context.takesSecrets = takesSecrets
        return context
    }

    /// The surroundings behind the action.
    func afterwards(outputs: Bool) -> ExpressionContext {
        var context = self
        context.seesResult = true
        context.seesOutputs = outputs
        return context
    }
}

/// One expression of a plan file.
struct ExpressionSite {
    var expression: Expression
    /// The text that holds it.
    var node: SourceNode
    /// The byte offset of the expression's source in that text.
    var offset: Int
    var context: ExpressionContext
    /// Whether only a boolean makes sense here.
    var isCondition = false
    /// Whether its value becomes part of a text.
    var isEmbedded = false
}
