// Decides whether a result is worse than an earlier one.

/// Two results, figure by figure.
struct Comparison: Sendable {
    /// A figure's way from one result to the other.
    struct Line: Sendable, Hashable {
        var name: String
        var before: Double
        var after: Double
        var unit: String
        /// The share by which it got worse; negative when it got better, `nil` when it is neither.
        var worse: Double?
        var isRegression: Bool
    }

    /// Figures that both results have, in the order of the later one.
    let lines: [Line]
    /// Figures that only the earlier result has: no comparison is no pass.
    let missing: [String]

    /// Compares two results.
    ///
    /// - Parameters:
    ///   - before: The earlier one.
    ///   - after: The later one.
    ///   - tolerance: The share by which a figure that says nothing itself may get worse.
    init(_ before: Report, _ after: Report, tolerance: Double) {
        self.lines = after.figures.compactMap { figure in
            guard let old = before.figure(figure.name) else { return nil }
            let worse = Self.worse(old, figure)
            let allowed = figure.tolerance ?? old.tolerance ?? tolerance
            return Line(
                name: figure.name,
                before: old.value,
                after: figure.value,
                unit: figure.unit,
                worse: worse,
                isRegression: worse.map { $0 > allowed } ?? false
            )
        }
        self.missing = before.figures.filter { old in
            old.better != .neither && after.figure(old.name) == nil
        }
        .map(\.name)
    }

    /// Whether some figure got worse by more than it may, or is gone.
    var isRegression: Bool { !self.missing.isEmpty || self.lines.contains(where: \.isRegression) }

    private static func worse(_ before: Figure, _ after: Figure) -> Double? {
        let change: Double
        switch after.better {
        case .neither: return nil
        case .lower: change = after.value - before.value
        case .higher: change = before.value - after.value
        }
        if change == 0 { return 0 }
        // From nothing, everything is infinitely worse.
        return before.value == 0 ? change * .infinity : change / before.value.magnitude
    }
}
