// Reads the members of a JSON object one by one and tells everything that is wrong at once.

public import PulserIR

/// A JSON object of a request, being read.
public struct JSONBody: Sendable {
    private let members: [String: JSONValue]
    private var read: Set<String> = []
    private var findings: [Problem.Finding] = []

    /// Begins reading.
    ///
    /// - Throws: `invalidBody` when it is not an object.
    public init(_ value: JSONValue) throws(Problem) {
        guard let members = value.objectValue else {
            throw Problem(
                .invalidBody,
                "the body must be a JSON object, not \(value.typeName)",
                next: "/v1/openapi.json describes it"
            )
        }
        self.members = members
    }

    /// All of it.
    var json: JSONValue { .object(self.members) }

    /// The member as it stands; `nil` when it is absent or null.
    public mutating func value(_ name: String) -> JSONValue? {
        self.read.insert(name)
        guard let value = self.members[name], value != .null else { return nil }
        return value
    }

    /// A text; anything else is a finding.
    public mutating func text(_ name: String) -> String? {
        self.value(name).flatMap { self.expect(name, "a text", $0.stringValue) }
    }

    /// An integer.
    public mutating func integer(_ name: String) -> Int64? {
        self.value(name).flatMap { self.expect(name, "an integer", $0.integerValue) }
    }

    /// A truth value.
    public mutating func bool(_ name: String) -> Bool? {
        self.value(name).flatMap { self.expect(name, "true or false", $0.boolValue) }
    }

    /// An object.
    public mutating func object(_ name: String) -> [String: JSONValue]? {
        self.value(name).flatMap { self.expect(name, "an object", $0.objectValue) }
    }

    /// A list.
    public mutating func array(_ name: String) -> [JSONValue]? {
        self.value(name).flatMap { self.expect(name, "a list", $0.arrayValue) }
    }

    /// An object, read by its own members, which are all known to `read`; what is wrong inside is a
    /// finding with its path.
    public mutating func object<Value>(
        _ name: String,
        _ read: (inout JSONBody) -> Value
    ) -> Value? {
        guard let value = self.value(name), value.objectValue != nil else {
            _ = self.object(name)
            return nil
        }
        guard var inner = try? JSONBody(value) else { return nil }
        let result = read(&inner)
        do {
            try inner.finish()
        } catch {
            for finding in error.errors {
                let path = "\(name)/\(finding.field ?? "")"
                self.note(path, finding.message, hint: finding.hint)
            }
        }
        return result
    }

    /// Notes something wrong.
    public mutating func note(_ name: String, _ message: String, hint: String? = nil) {
        self.findings.append(Problem.Finding(message, field: name, hint: hint))
    }

    /// Ends reading: members nobody asked for are findings too.
    ///
    /// - Throws: `invalidBody` with all findings.
    public mutating func finish() throws(Problem) {
        for name in self.members.keys.sorted() where !self.read.contains(name) {
            let known = self.read.sorted().joined(separator: ", ")
            self.note(name, "'\(name)' is not known here", hint: "known are: \(known)")
        }
        guard let first = self.findings.first else { return }
        throw Problem(
            .invalidBody,
            first.message,
            next: "/v1/openapi.json describes the body",
            errors: self.findings
        )
    }

    private mutating func expect<Value>(_ name: String, _ kind: String, _ value: Value?) -> Value? {
        if value == nil { self.note(name, "'\(name)' must be \(kind)") }
        return value
    }
}
