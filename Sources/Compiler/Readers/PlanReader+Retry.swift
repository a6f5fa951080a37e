// What a retry policy in a plan may say.

internal import PulserIR

extension PlanReader {
    /// The policy of `retry`; what it leaves out is as in ``RetryPolicy/runDefault``.
    mutating func retry(_ entry: SourceEntry?) -> RetryPolicy? {
        guard let entry else { return nil }
        let keys = ["max_attempts", "backoff", "multiplier", "jitter", "max_backoff", "when"]
        guard let fields = self.fields(of: entry.value, "retry", keys) else { return nil }
        var policy = RetryPolicy()
        if let value = self.integer(fields["max_attempts"], in: 1...Limits.attemptsMax) {
            policy.maxAttempts = value
        }
        if let value = self.duration(fields["backoff"], allowsZero: true) {
            policy.backoffMilliseconds = value
            policy.backoffMillisecondsMax = max(policy.backoffMillisecondsMax, value)
        }
        if let value = self.number(fields["multiplier"], in: 1...100) { policy.multiplier = value }
        if let value = self.number(fields["jitter"], in: 0...1) { policy.jitter = value }
        if let field = fields["max_backoff"], let value = self.duration(field) {
            policy.backoffMillisecondsMax = value
            if value < policy.backoffMilliseconds {
                self.log.error(
                    "'max_backoff' is shorter than 'backoff'",
                    at: field.value.mark,
                    hint: "the first wait is already longer"
                )
            }
        }
        for item in self.items(fields["when"]) {
            guard let failure = self.choice(item, "'when'", RetryPolicy.Failure.self) else {
                continue
            }
            if policy.when.contains(failure) {
                self.log.error("'\(failure.rawValue)' is listed twice", at: item.mark)
            } else {
                policy.when.append(failure)
            }
        }
        return policy
    }

    /// The policy of `snooze`; what it leaves out is as in ``SnoozePolicy``.
    mutating func snooze(_ entry: SourceEntry?, of action: Action) -> SnoozePolicy? {
        guard let entry else { return nil }
        guard let fields = self.fields(of: entry.value, "snooze", ["exit", "delay", "max"]) else {
            return nil
        }
        guard case .shell(let shell) = action, !shell.background else {
            self.log.error(
                "only a program that ends can ask to be tried again later",
                at: entry.value.mark,
                hint: "use 'snooze' with 'shell', and 'retry' with others"
            )
            return nil
        }
        var policy = SnoozePolicy()
        if let value = self.integer(fields["exit"], in: 1...255) { policy.exit = value }
        if let value = self.duration(fields["delay"]) { policy.delayMilliseconds = value }
        if let value = self.integer(fields["max"], in: 1...10_000) { policy.max = value }
        return policy
    }
}
