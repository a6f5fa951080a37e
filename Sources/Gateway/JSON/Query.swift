// Reads the parameters of a request's path and query, strictly: an unknown one is a mistake.

public import Hummingbird
import PulserIR

/// The query of a request, being read.
public struct Query: Sendable {
    private let pairs: [(name: String, value: String)]
    private var read: Set<String> = []

    /// Reads the query of a path.
    ///
    /// - Throws: `invalidParameter` when it is not percent-encoded UTF-8, or a name stands twice.
    public init(_ request: Request) throws(Problem) {
        var pairs: [(name: String, value: String)] = []
        for part in (request.uri.query ?? "").split(separator: "&") {
            let halves = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = Self.decode(halves[0]),
                let value = Self.decode(halves.count > 1 ? halves[1] : "")
            else {
                throw Problem(.invalidParameter, "the query is not percent-encoded UTF-8")
            }
            pairs.append((name, value))
        }
        self.pairs = pairs
    }

    /// A parameter's text; `nil` when it is absent.
    ///
    /// - Throws: `invalidParameter` when it stands there twice.
    public mutating func text(_ name: String) throws(Problem) -> String? {
        self.read.insert(name)
        let values = self.pairs.filter { $0.name == name }
        guard values.count <= 1 else {
            throw Self.problem(name, "'\(name)' is given twice")
        }
        return values.first?.value
    }

    /// Whether a parameter stands there, even without a value.
    func has(_ name: String) -> Bool { self.pairs.contains { $0.name == name } }

    /// A list, separated by commas or given several times; empty when absent.
    public mutating func list(_ name: String) -> [String] {
        self.read.insert(name)
        return self.pairs.filter { $0.name == name }
            .flatMap { $0.value.split(separator: ",").map(String.init) }
    }

    /// An integer inside `range`.
    ///
    /// - Throws: `invalidParameter` when it is not.
    public mutating func integer(
        _ name: String,
        in range: ClosedRange<Int64>
    ) throws(Problem) -> Int64? {
        guard let text = try self.text(name) else { return nil }
        guard let number = Int64(text), range.contains(number) else {
            throw Self.problem(
                name,
                "'\(name)' must be an integer from \(range.lowerBound) to \(range.upperBound)"
            )
        }
        return number
    }

    /// `true` or `false`; without a value `true`.
    ///
    /// - Throws: `invalidParameter` when it is neither.
    public mutating func bool(_ name: String) throws(Problem) -> Bool? {
        switch try self.text(name) {
        case nil: nil
        case "", "true": true
        case "false": false
        default: throw Self.problem(name, "'\(name)' must be true or false")
        }
    }

    /// One of the cases of an enumeration.
    ///
    /// - Throws: `invalidParameter` when it is none of them.
    public mutating func choice<Value: RawRepresentable & CaseIterable>(
        _ name: String,
        _ type: Value.Type = Value.self
    ) throws(Problem) -> Value? where Value.RawValue == String {
        guard let text = try self.text(name) else { return nil }
        guard let value = Value(rawValue: text) else {
            let known = Value.allCases.map(\.rawValue).joined(separator: ", ")
            throw Self.problem(name, "'\(name)' must be one of \(known)")
        }
        return value
    }

    /// Ends reading.
    ///
    /// - Throws: `invalidParameter` when there is a parameter nobody asked for.
    public func finish() throws(Problem) {
        guard let odd = self.pairs.first(where: { !self.read.contains($0.name) }) else { return }
        let known = self.read.sorted()
        throw Self.problem(
            odd.name,
            "the parameter '\(odd.name.prefix(64))' is not known here",
            next: known.isEmpty
                ? "leave it out: this takes no parameters"
                : Suggestion.hint(for: odd.name, among: known)
                    ?? "known here: \(known.joined(separator: ", "))"
        )
    }

    /// Refuses a request with parameters that its route does not take.
    ///
    /// - Parameters:
    ///   - request: The request.
    ///   - names: What it takes.
    /// - Throws: `invalidParameter`.
    static func check(_ request: Request, takes names: Set<String>) throws(Problem) {
        guard request.uri.query?.isEmpty == false else { return }
        var query = try Query(request)
        query.read = names
        try query.finish()
    }

    /// A problem with one parameter.
    public static func problem(
        _ name: String,
        _ message: String,
        next: String? = nil
    ) -> Problem {
        Problem(
            .invalidParameter,
            message,
            next: next ?? "/v1/openapi.json describes the parameters",
            errors: [Problem.Finding(message, field: String(name.prefix(64)))]
        )
    }

    /// The text that percent-encoding stands for; `nil` when it is broken or not UTF-8.
    static func decode(_ text: Substring, plusIsSpace: Bool = true) -> String? {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count)
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "+") where plusIsSpace: bytes.append(UInt8(ascii: " "))
            case UInt8(ascii: "%"):
                guard let high = rest.popFirst().flatMap(Self.digit),
                    let low = rest.popFirst().flatMap(Self.digit)
                else { return nil }
                bytes.append(high << 4 | low)
            default: bytes.append(byte)
            }
        }
        return String(validating: bytes, as: UTF8.self)
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}

extension GatewayContext {
    /// A parameter of the path, decoded.
    ///
    /// - Throws: `invalidParameter` when it is not percent-encoded UTF-8.
    public func parameter(_ name: String) throws(Problem) -> String {
        guard let raw = self.parameters.get(name),
            let text = Query.decode(raw[...], plusIsSpace: false)
        else {
            throw Query.problem(name, "'\(name)' in the path is not percent-encoded UTF-8")
        }
        return text
    }
}
