// Rules about work nobody waits for, and about waiting.

extension Rule {
    /// Unstructured work and unchecked sharing say why they are sound.
    static let safety = Rule(
        title: "unstructured tasks and unchecked sharing say why they are safe",
        violations: [
            Sample("func f() {\n    Task { await g() }\n}"),
            Sample("let t = Task<Void, Never> {\n}"),
            Sample("let t = Task(priority: .low) { }"),
            Sample("Task.detached { }"),
            Sample("final class A: @unchecked Sendable {}"),
            Sample("nonisolated(unsafe) var a = 1"),
            Sample("// SAFETY: too far away.\n\n\n\nTask { }"),
            Sample("let a = \"SAFETY: not a comment\"\nTask { }"),
        ],
        allowed: [
            Sample("// SAFETY: ends at once.\nTask { }"),
            Sample("/// SAFETY: locked.\n/// More words.\nfinal class A: @unchecked Sendable {}"),
            Sample("group.addTask { }"),
            Sample("let t: Task<Void, Never>? = nil"),
            Sample("Task.isCancelled"),
        ]
    ) { file in
        let pattern =
            /\bTask\s*(?:<[^>]*>)?\s*[({]|\bTask\.(?:detached|immediate)|@unchecked\s+Sendable|nonisolated\(unsafe\)/
        return file.findings(
            matching: pattern,
            "say above, after `// SAFETY:`, who cancels and awaits it, or why it may be shared"
        )
        .filter { finding in
            let above = max(0, finding.line - 4)..<finding.line
            return !file.comments[above].contains { $0.contains("SAFETY:") }
        }
    }

    /// Tests wait for what they wait for.
    static let sleeps = Rule(
        title: "tests wait for signals or a virtual clock, never for time",
        folders: ["Tests"],
        violations: [
            Sample("try await Task.sleep(for: .seconds(1))", at: "Tests/T/Sample.swift"),
            Sample("sleep(1)", at: "Tests/T/Sample.swift"),
            Sample("usleep(1_000)", at: "Tests/T/Sample.swift"),
            Sample("Glibc.sleep(1)", at: "Tests/T/Sample.swift"),
            Sample("try await clock.sleep(until: end)", at: "Tests/T/Sample.swift"),
        ],
        allowed: [
            Sample("let a = Action.sleep(milliseconds: 1)", at: "Tests/T/Sample.swift"),
            Sample("try await Task.sleep(for: pause)", at: "Tests/T/Eventually.swift"),
            Sample("case .sleep(let milliseconds): 1", at: "Tests/T/Sample.swift"),
            Sample("let a = \"SELECT pg_sleep(1)\"", at: "Tests/T/Sample.swift"),
        ]
    ) { file in
        // The one polling helper of a target that watches other processes has this name.
        guard file.stem != "Eventually" else { return [] }
        return file.findings(
            matching: /\bu?sleep\((?!milliseconds:|let\s)|\bnanosleep\(|Task\.sleep/,
            "await a signal instead, or poll in a file named Eventually.swift"
        )
    }
}
