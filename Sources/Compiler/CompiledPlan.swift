// What compiling a plan file yields.

public import PulserIR

/// A plan with the bytes that name it.
public struct CompiledPlan: Sendable {
    /// The normalised plan.
    public var plan: Plan
    /// The RFC 8785 bytes of the plan.
    public var canonicalBytes: [UInt8]
    /// The digest of ``canonicalBytes``.
    public var digest: Digest
    /// The plans that its `run` actions name, each once.
    public var children: [CompiledPlan]
    /// What does not stop the plan from being used.
    public var warnings: [Diagnostic]
}
