// Who sends a signal or decides about a step, in words that every door has.

/// Somebody who brings something to a run.
public struct Person: Sendable, Hashable {
    /// The name that decisions are counted by.
    public var name: String
    /// What the person belongs to.
    public var groups: [String]

    /// Describes somebody.
    public init(name: String, groups: [String] = []) {
        self.name = name
        self.groups = groups
    }
}

extension Principal {
    /// The person whom a token stands for: tokens of one name are one person's. Those of another
    /// tenant have its name before theirs.
    public var person: Person {
        Person(
            name: self.tenant == Self.defaultTenant ? self.name : "\(self.tenant)/\(self.name)",
            groups: self.groups
        )
    }
}
