// What a load test came to: printed for people, written as JSON for `compare`.

import FoundationEssentials
import PulserIR

/// A result.
struct Report: Sendable {
    /// Which command made it.
    var kind: String
    /// Its scenario's name.
    var scenario: String
    /// What was measured.
    var figures: [Figure] = []
    /// What must not have happened and did; any makes the command fail.
    var faults: [String] = []
    /// What a reader should know beside the numbers.
    var notes: [String] = []

    init(kind: String, scenario: String) {
        self.kind = kind
        self.scenario = scenario
    }

    /// Reads a file that ``write(to:)`` wrote.
    init(path: String) throws(LoadError) {
        guard let bytes = FileManager.default.contents(atPath: path) else {
            throw LoadError("\(path) cannot be read")
        }
        do {
            try self.init(try JSONValue(parsing: Array(bytes)))
        } catch {
            throw LoadError("\(path) is no result of opsload: \(error)")
        }
    }

    init(_ json: JSONValue) throws(LoadError) {
        guard let kind = json["kind"]?.stringValue, let scenario = json["scenario"]?.stringValue,
            let figures = json["figures"]?.arrayValue
        else { throw LoadError("kind, scenario or figures are missing") }
        self.init(kind: kind, scenario: scenario)
        for figure in figures { self.figures.append(try Figure(figure)) }
        self.faults = json["faults"]?.arrayValue?.compactMap(\.stringValue) ?? []
        self.notes = json["notes"]?.arrayValue?.compactMap(\.stringValue) ?? []
    }

    /// The figure of that name.
    func figure(_ name: String) -> Figure? { self.figures.first { $0.name == name } }

    /// One figure a line, so that a change of one is a change of one line.
    var text: String {
        func list(_ items: [String]) -> String {
            items.isEmpty ? "[]" : "[\n    " + items.joined(separator: ",\n    ") + "\n  ]"
        }
        func quoted(_ text: String) -> String { JSONValue.string(text).canonicalText }
        return """
            {
              "version": 1,
              "kind": \(quoted(self.kind)),
              "scenario": \(quoted(self.scenario)),
              "figures": \(list(self.figures.map(\.json.canonicalText))),
              "faults": \(list(self.faults.map(quoted))),
              "notes": \(list(self.notes.map(quoted)))
            }

            """
    }

    func write(to path: String) throws(LoadError) {
        do {
            try Data(self.text.utf8).write(to: URL(fileURLWithPath: path))
        } catch {
            throw LoadError("\(path) cannot be written: \(error)")
        }
    }

    /// Prints the figures as a table, then what is wrong.
    func show() {
        print("\(self.kind) · \(self.scenario)")
        let width = self.figures.map(\.name.count).max() ?? 0
        let room = self.figures.map(\.text.count).max() ?? 0
        for figure in self.figures {
            let name = figure.name + String(repeating: " ", count: width - figure.name.count)
            let space = String(repeating: " ", count: room - figure.text.count)
            print("  \(name)  \(space)\(figure.text) \(figure.unit)")
        }
        for note in self.notes { print("  note: \(note)") }
        for fault in self.faults { print("  FAULT: \(fault)") }
    }
}
