// The descriptions of all routes, collected from the files beside this one.

public import PulserIR

/// Every operation by the name of its route.
public enum OperationCatalog {
    /// All of them.
    public static let all: [String: Operation] = [
        Self.access, Self.events, Self.health, Self.sessions, Self.lanePauses, Self.limits,
        Self.runs, Self.dead, Self.bulk,
        Self.cluster,
        Self.evidence, Self.waits, Self.schedules, Self.claims,
        Self.board,
    ]
    .reduce(into: [:]) { all, part in all.merge(part) { $1 } }

    /// The parameters of the query that a route takes.
    static func queryNames(of route: String) -> Set<String> {
        let parameters = Self.all[route]?.parameters ?? []
        return Set(parameters.filter { $0.place == "query" }.map(\.name))
    }
}

/// Every named form.
public enum SchemaCatalog {
    /// All of them.
    public static let all: [String: JSONValue] = [
        Self.common, Self.access, Self.health, Self.work, Self.pauses, Self.dead, Self.cluster,
        Self.waits,
        Self.schedules, Self.claims,
        Self.board,
    ]
    .reduce(into: [:]) { all, part in all.merge(part) { $1 } }
}
