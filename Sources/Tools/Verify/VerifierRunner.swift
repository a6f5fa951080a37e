// When a step has held: its verifiers in order, each with its own time and tries.

import PulserIR

/// Runs verifiers. Whatever cannot run is an error, and an error never passes.
struct VerifierRunner: Sendable {
    let shell: ShellTool
    let http: HTTPTool
    let sql: SQLTool
    let redactor: Redactor

    /// Runs all of them, or the action's default when there is none.
    func run(
        _ verifiers: [Verifier],
        action: Action,
        result: JSONValue,
        in context: ToolContext
    ) async -> [VerifierOutcome] {
        var context = context
        context.scope.result = result
        if verifiers.isEmpty {
            return [self.outcome(DefaultVerifier.check(action, result), "default", action.kind)]
        }
        var outcomes: [VerifierOutcome] = []
        for verifier in verifiers {
            let finding = await self.tries(verifier, result: result, in: context)
            outcomes.append(
                self.outcome(finding, verifier.id, verifier.check.kind, verifier.required)
            )
        }
        return outcomes
    }

    private func outcome(
        _ finding: Finding,
        _ id: String,
        _ kind: String,
        _ isRequired: Bool = true
    ) -> VerifierOutcome {
        VerifierOutcome(
            id: id,
            kind: kind,
            required: isRequired,
            result: finding.result,
            expected: self.redactor.redact(finding.expected),
            observed: self.redactor.redact(finding.observed)
        )
    }

    private func tries(
        _ verifier: Verifier,
        result: JSONValue,
        in context: ToolContext
    ) async -> Finding {
        let policy = verifier.retry
        let attempts = min(policy?.maxAttempts ?? 1, Limits.attemptsMax)
        var attempt = 1
        while true {
            if Task.isCancelled { return .error("cancelled") }
            guard context.remaining > .zero else {
                return .error("no time was left for this verifier", kind: .timeout)
            }
            var bounded = context
            let timeout = Duration.milliseconds(verifier.timeoutMilliseconds)
            bounded.deadline = min(context.deadline, ContinuousClock.now + timeout)
            let finding = await self.check(verifier.check, result: result, in: bounded)
            guard finding.result != .passed, attempt < attempts, let policy,
                policy.when.isEmpty || policy.when.contains(finding.kind)
            else { return finding }
            let pause = Self.pause(policy, after: attempt)
            guard pause < context.remaining, (try? await Task.sleep(for: pause)) != nil else {
                return finding
            }
            attempt += 1
        }
    }

    private static func pause(_ policy: RetryPolicy, after attempt: Int) -> Duration {
        var milliseconds = Double(policy.backoffMilliseconds)
        let longest = Double(policy.backoffMillisecondsMax)
        for _ in 1..<max(1, attempt) where milliseconds < longest {
            milliseconds *= policy.multiplier
        }
        let jitter = min(max(policy.jitter, 0), 1)
        milliseconds = min(milliseconds, longest) * Double.random(in: (1 - jitter)...(1 + jitter))
        return .milliseconds(Int64(max(0, milliseconds)))
    }

    /// One try; a throw becomes an error.
    private func check(
        _ check: Verifier.Check,
        result: JSONValue,
        in context: ToolContext
    ) async -> Finding {
        do {
            switch check {
            case .http(let check): return try await self.checkHTTP(check, result, context)
            case .shell(let check): return try await self.checkShell(check, result, context)
            case .sql(let check): return try await self.checkSQL(check, result, context)
            case .jsonSchema(let value, let schema):
                return try await Self.checkSchema(value, schema, context)
            case .checksum(let check): return try await Self.checkFile(check, context)
            case .custom(let expression): return Self.checkExpression(expression, context.scope)
            }
        } catch {
            return .error(error.message, kind: error.kind)
        }
    }
}
