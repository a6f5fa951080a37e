// Whether the steps form a graph that can run: known names, each once, no cycles.

internal import PulserIR

/// The steps of a plan by id, with who needs whom.
struct StepGraph {
    private let steps: [Step]
    private let sources: [PlanReader.StepSource]
    /// The place of each id in the plan; of several steps with one id the first.
    let indices: [String: Int]
    /// The steps that each step needs, directly or not.
    private let reachable: [Set<Int>]

    init(steps: [Step], sources: [PlanReader.StepSource]) {
        self.steps = steps
        self.sources = sources
        var indices: [String: Int] = [:]
        for (index, step) in steps.enumerated() where !step.id.isEmpty && indices[step.id] == nil {
            indices[step.id] = index
        }
        self.indices = indices
        self.reachable = Self.closure(steps, indices)
    }

    /// Whether `step` needs `other`, directly or not.
    func needs(_ step: Int, _ other: Int) -> Bool { self.reachable[step].contains(other) }

    /// Notes every unknown or repeated name and every cycle.
    func check(_ log: inout DiagnosticLog) {
        for (index, step) in self.steps.enumerated() where !step.id.isEmpty {
            if let first = self.indices[step.id], first != index {
                log.error(
                    "a second step with the id '\(step.id)'",
                    at: self.sources[index].mark,
                    hint: "the first one is in line \(self.sources[first].mark.line)"
                )
            }
        }
        for (index, source) in self.sources.enumerated() where !log.isFull {
            for (name, mark) in source.needs {
                if name == self.steps[index].id {
                    log.error("step '\(name)' needs itself", at: mark)
                } else if self.indices[name] == nil {
                    log.error(
                        "there is no step '\(name)'",
                        at: mark,
                        hint: Suggestion.hint(for: name, among: self.indices.keys)
                    )
                }
            }
        }
        self.checkCycles(&log)
    }

    /// Notes one cycle per knot of steps that need each other.
    private func checkCycles(_ log: inout DiagnosticLog) {
        var reported: Set<Int> = []
        for start in self.steps.indices where self.reachable[start].contains(start) {
            guard !reported.contains(start) else { continue }
            let way = self.shortestCycle(from: start)
            let knot = self.steps.indices.filter {
                self.reachable[start].contains($0) && self.reachable[$0].contains(start)
            }
            reported.formUnion(knot)
            guard way.count > 1 else { continue }  // A step that needs itself is reported already.
            let names = (way + [start]).map { self.steps[$0].id }
            let mark =
                self.sources[start].needs.first { $0.name == names[1] }?.mark
                ?? self.sources[start].mark
            log.error(
                "steps need each other in a circle: \(names.joined(separator: " -> "))",
                at: mark,
                hint: "remove one of these needs"
            )
        }
    }

    private func shortestCycle(from start: Int) -> [Int] {
        var previous: [Int: Int] = [:]
        var queue = [start]
        var head = 0
        while head < queue.count {
            let step = queue[head]
            head += 1
            for name in self.steps[step].needs {
                guard let next = self.indices[name] else { continue }
                if next == start {
                    var way = [step]
                    while let before = previous[way[0]] { way.insert(before, at: 0) }
                    return way
                }
                if previous[next] == nil {
                    previous[next] = step
                    queue.append(next)
                }
            }
        }
        return []
    }

    private static func closure(_ steps: [Step], _ indices: [String: Int]) -> [Set<Int>] {
        // Names are looked up once: a plan may have a thousand steps with hundreds of needs each.
        let edges = steps.map { $0.needs.compactMap { indices[$0] } }
        return steps.indices.map { start in
            var isFound = [Bool](repeating: false, count: steps.count)
            var open = edges[start]
            while let next = open.popLast() {
                guard !isFound[next] else { continue }
                isFound[next] = true
                open.append(contentsOf: edges[next].filter { !isFound[$0] })
            }
            return Set(isFound.indices.filter { isFound[$0] })
        }
    }
}
