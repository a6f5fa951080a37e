// Flags that many commands share.

import ArgumentParser
import Compiler
import ControlRoom
import PulserIR

/// Forms of output.
enum OutputForm: String, ExpressibleByArgument, CaseIterable {
    case table
    case json
    case jsonl
}

/// How data is printed.
struct OutputOptions: ParsableArguments {
    @Option(
        name: [.customShort("o", allowingJoined: true), .customLong("output")],
        help: "table for people; json: one document; jsonl: one document a line."
    )
    var output = OutputForm.table

    /// Prints rows as JSON: `{"version":1,"<name>":[…]}`, or one a line.
    func printJSON(_ name: String, _ rows: [JSONValue]) {
        switch self.output {
        case .table: break
        case .json:
            let document = JSONValue.object(["version": .integer(1), name: .array(rows)])
            Terminal.output.line(document.canonicalText)
        case .jsonl: for row in rows { self.printJSON(row) }
        }
    }

    /// Prints one document as JSON, with the version of its shape.
    func printJSON(_ document: JSONValue) {
        guard case .object(var members) = document else { return }
        members["version"] = .integer(1)
        Terminal.output.line(JSONValue.object(members).canonicalText)
    }

    /// Tells what is odd about a plan that can be used; stderr of a script holds JSON only.
    func warn(_ warnings: [Diagnostic]) {
        for warning in warnings {
            Terminal.error.line(
                self.output == .table
                    ? warning.description
                    : JSONValue.object(["warning": warning.json]).canonicalText
            )
        }
    }
}

/// `--input name=value`, any number.
struct InputOptions: ParsableArguments {
    @Option(
        name: [.customLong("input"), .customShort("i")],
        help: ArgumentHelp("An input of the plan; repeat for more.", valueName: "name=value")
    )
    var inputs: [String] = []

    func values() throws -> [String: String] {
        var values: [String: String] = [:]
        for text in self.inputs {
            guard let equals = text.firstIndex(of: "=") else {
                throw RoomError(.usage, "'\(text)' is not name=value")
            }
            let name = String(text[..<equals])
            guard
                values.updateValue(String(text[text.index(after: equals)...]), forKey: name) == nil
            else { throw RoomError(.usage, "input '\(name)' is given twice") }
        }
        return values
    }
}
