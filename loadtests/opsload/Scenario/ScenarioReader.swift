// Reads a scenario's file strictly: a key that nobody knows is a mistake, not a wish.

import FoundationEssentials
import PulserIR

/// The members of one JSON object, each to be asked for once.
struct ScenarioReader {
    private let place: String
    private var members: [String: JSONValue]

    /// Opens a file.
    init(path: String) throws(LoadError) {
        guard let bytes = FileManager.default.contents(atPath: path) else {
            throw LoadError("the scenario \(path) cannot be read")
        }
        do {
            try self.init(JSONValue(parsing: Array(bytes)), place: path)
        } catch {
            throw LoadError("\(error)")
        }
    }

    init(_ json: JSONValue, place: String) throws(LoadError) {
        guard let members = json.objectValue else {
            throw LoadError("\(place) is no JSON object")
        }
        self.place = place
        self.members = members
    }

    mutating func integer(
        _ key: String,
        _ range: ClosedRange<Int>,
        default standard: Int? = nil
    ) throws(LoadError) -> Int {
        guard let json = self.members.removeValue(forKey: key) else {
            if let standard { return standard }
            throw self.error(key, "is missing")
        }
        guard let number = json.integerValue, range.contains(Int(number)) else {
            throw self.error(
                key,
                "is a whole number from \(range.lowerBound) to \(range.upperBound)"
            )
        }
        return Int(number)
    }

    mutating func number(
        _ key: String,
        _ range: ClosedRange<Double>,
        default standard: Double? = nil
    ) throws(LoadError) -> Double {
        guard let json = self.members.removeValue(forKey: key) else {
            if let standard { return standard }
            throw self.error(key, "is missing")
        }
        guard let number = json.doubleValue, range.contains(number) else {
            throw self.error(key, "is a number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    mutating func text(_ key: String, default standard: String? = nil) throws(LoadError) -> String {
        guard let json = self.members.removeValue(forKey: key) else {
            if let standard { return standard }
            throw self.error(key, "is missing")
        }
        guard let text = json.stringValue else { throw self.error(key, "is a text") }
        return text
    }

    mutating func word<Word: RawRepresentable & CaseIterable>(
        _ key: String,
        default standard: Word
    ) throws(LoadError) -> Word where Word.RawValue == String {
        let text = try self.text(key, default: standard.rawValue)
        guard let word = Word(rawValue: text) else {
            let words = Word.allCases.map(\.rawValue).joined(separator: ", ")
            throw self.error(key, "is one of \(words)")
        }
        return word
    }

    /// The members of an object, or of each object of a list.
    mutating func objects(_ key: String) throws(LoadError) -> [ScenarioReader] {
        guard let json = self.members.removeValue(forKey: key) else {
            throw self.error(key, "is missing")
        }
        var readers: [ScenarioReader] = []
        for item in json.arrayValue ?? [json] {
            readers.append(try ScenarioReader(item, place: "\(self.place): \(key)"))
        }
        return readers
    }

    /// An object of numbers, by name; sorted by name.
    mutating func weights(
        _ key: String,
        known: [String]
    ) throws(LoadError) -> [(name: String, weight: Int)] {
        guard let members = self.members.removeValue(forKey: key)?.objectValue else {
            throw self.error(key, "is an object of weights")
        }
        var weights: [(name: String, weight: Int)] = []
        for (name, json) in members.sorted(by: { $0.key < $1.key }) {
            guard known.contains(name) else {
                let hint = Suggestion.hint(for: name, among: known) ?? known.joined(separator: ", ")
                throw self.error(key, "'\(name)' is not known; \(hint)")
            }
            guard let weight = json.integerValue, (0...1_000_000).contains(weight) else {
                throw self.error(key, "'\(name)' is a whole number from 0 to 1000000")
            }
            weights.append((name, Int(weight)))
        }
        guard weights.contains(where: { $0.weight > 0 }) else {
            throw self.error(key, "needs one weight above 0")
        }
        return weights
    }

    var hasMembers: Bool { !self.members.isEmpty }

    func has(_ key: String) -> Bool { self.members[key] != nil }

    /// Refuses what nobody asked for.
    func finish() throws(LoadError) {
        guard let key = self.members.keys.min() else { return }
        throw self.error(key, "is not known")
    }

    private func error(_ key: String, _ text: String) -> LoadError {
        LoadError("\(self.place): '\(key)' \(text)")
    }
}
