// Decides which work is cut off by the kill tests, and what its traces mean.

/// Thirty steps in five chains; each appends a line with its name to a file of its own.
enum KillPlan {
    /// What a step is allowed to do twice.
    enum Effects: String, CaseIterable {
        case none
        case idempotent
        case destructive
    }

    static let chains = 5
    static let length = 6

    /// All steps with their effects.
    static let steps: [(id: String, effects: Effects)] = (0..<Self.chains).flatMap { chain in
        (0..<Self.length).map { position in
            (Self.id(chain, position), Effects.allCases[(chain + position) % 3])
        }
    }

    private static func id(_ chain: Int, _ position: Int) -> String { "c\(chain)s\(position)" }

    /// The plan's text below its head. The pauses around the line let kills hit before and after it.
    static let body: String = {
        var lines = [
            "inputs: {folder: {type: string}}", "max_parallel: 4", "retry: {max_attempts: 1}",
            "steps:",
        ]
        for chain in 0..<Self.chains {
            for position in 0..<Self.length {
                let id = Self.id(chain, position)
                let effects = Effects.allCases[(chain + position) % 3]
                let script = "sleep 0.03; echo \(id) $1 >> \\\"$2/\(id)\\\"; sleep 0.03"
                lines.append("  - id: \(id)")
                if position > 0 { lines.append("    needs: [\(Self.id(chain, position - 1))]") }
                lines.append("    effects: \(effects.rawValue)")
                lines.append(
                    "    shell: {argv: [sh, -c, \"\(script)\", sh, \"{{ run.attempt }}\", "
                        + "\"{{ inputs.folder }}\"]}"
                )
                guard effects == .destructive else { continue }
                lines.append(
                    "    verify: [{id: line, kind: shell, argv: [grep, -q, \(id), "
                        + "\"{{ inputs.folder }}/\(id)\"]}]"
                )
            }
        }
        return lines.joined(separator: "\n")
    }()
}
