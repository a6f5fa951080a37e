// Every bound of the product's nouns in one place, with its unit in its name.

/// Bounds that plans, expressions, output and artifacts must keep.
public enum Limits {
    /// A plan file's size. 10 MB of text is refused before it is parsed.
    public static let planBytesMax = 1 << 20
    /// Steps of one plan.
    public static let planStepsMax = 1_000
    /// Nesting of lists and maps in a plan file.
    public static let planDepthMax = 64
    /// Nesting of JSON text from outside; the decoder recurses and a thread's stack may be 512 KiB.
    /// A compiled plan nests a little deeper than its file.
    public static let jsonDepthMax = 96
    /// Values in a plan file after aliases are followed; stops alias bombs.
    public static let planNodesMax = 100_000
    /// One expression's text.
    public static let expressionBytesMax = 4 << 10
    /// Nesting inside one expression.
    public static let expressionDepthMax = 32
    /// What one expression may yield.
    public static let expressionResultBytesMax = 1 << 20
    /// One line of a step's output; the rest of a longer line is cut and marked.
    public static let outputLineBytesMax = 64 << 10
    /// All output of one step attempt; the rest is cut and marked.
    public static let outputStepBytesMax = 16 << 20
    /// What a result keeps of stdout and stderr each for expressions and verifiers.
    public static let resultTextBytesMax = 64 << 10
    /// One HTTP response's body.
    public static let httpBodyBytesMax = 8 << 20
    /// Rows of one SQL result.
    public static let sqlRowsMax = 10_000
    /// An artifact up to this size lives in Postgres, a larger one in the data directory.
    public static let artifactInlineBytesMax = 1 << 20
    /// The largest artifact.
    public static let artifactBytesMax = 256 << 20
    /// Inputs of one run, as canonical JSON.
    public static let inputsBytesMax = 256 << 10
    /// A signal's name.
    public static let signalNameBytesMax = 128
    /// A signal's payload, and what one approver fills in, as canonical JSON.
    public static let signalBytesMax = 64 << 10
    /// Signals of one run that nobody has taken; more are refused.
    public static let signalsOpenMax = 1_000
    /// People that one step waits for.
    public static let approversMax = 100
    /// What people are asked, and what they say to their decision.
    public static let approvalTextBytesMax = 4 << 10
    /// Items of one `fan_out`.
    public static let fanOutItemsMax = 10_000
    /// Runs inside runs inside runs.
    public static let childDepthMax = 8
    /// Steps of one run at once.
    public static let maxParallelMax = 256
    /// Attempts of one step or run.
    public static let attemptsMax = 100
}
