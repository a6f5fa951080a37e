// How `--watch` shows a list again and again: painted over itself for people, line by line for scripts.

import ArgumentParser
import ControlRoom
import Foundation
import PulserIR

/// What a command shows at one moment.
struct Picture: Sendable {
    /// For people.
    var lines: [String] = []
    /// For people, beside the data.
    var note: String?
    /// For scripts: a document, or a list with its name.
    var documents: [JSONValue] = []
    /// The list's name; `nil` for one document.
    var list: String?

    /// Lines for people, and perhaps a sentence beside them.
    init(lines: [String], _ note: String? = nil) {
        self.lines = lines
        self.note = note
    }

    /// A list for scripts.
    init(document: (name: String, rows: [JSONValue])) {
        self.list = document.name
        self.documents = document.rows
    }

    /// A document for scripts.
    init(_ document: JSONValue) { self.documents = [document] }

    /// Prints it once.
    func print(_ output: OutputOptions) {
        guard output.output != .table else {
            if let note { Terminal.error.line(note) }
            for line in self.lines { Terminal.output.line(line) }
            return
        }
        if let list { return output.printJSON(list, self.documents) }
        for document in self.documents { output.printJSON(document) }
    }
}

/// `--watch`.
struct WatchOptions: ParsableArguments {
    @Flag(name: .shortAndLong, help: "Show it again every second until Ctrl-C.") var watch = false

    /// Shows a picture once, or with `--watch` again and again: repainted on a terminal, appended
    /// where it changed elsewhere.
    ///
    /// - Parameters:
    ///   - place: Whom to ask.
    ///   - output: The form.
    ///   - picture: Asks, and draws.
    /// - Throws: What `picture` threw the first time; `interrupted` after Ctrl-C.
    func show(
        _ place: PlaceOptions,
        _ output: OutputOptions,
        _ picture: @escaping @Sendable (any RoomAccess) async throws -> Picture
    ) async throws {
        guard self.watch else {
            return try await place.access { try await picture($0) }.print(output)
        }
        let board = LiveBoard()
        do {
            try await Interruptible.run {
                try await place.access { room in
                    var last: Picture?
                    while !Task.isCancelled {
                        let next = try await picture(room)
                        if output.output == .table, Terminal.output.isTerminal {
                            await board.show(next.note.map { [$0] } ?? next.lines)
                        } else if last?.lines != next.lines || last?.documents != next.documents {
                            next.print(output)
                        }
                        last = next
                        try? await Task.sleep(for: .seconds(1))
                    }
                }
            }
        } catch let error as RoomError where error.code == .interrupted {
            // Ctrl-C is how watching ends: what was seen last stays on the screen.
            throw ExitCode(error.code.rawValue)
        }
    }
}
