// `opsroom runs enqueue`: many runs from a file, one JSON document a line, batch by batch.

import ArgumentParser
import Compiler
import ControlRoom
import Foundation
import Gateway
import PulserIR

extension RunsCommand {
    struct Enqueue: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "enqueue",
            abstract: "Queue many runs from a file, one JSON document a line.",
            discussion: """
                A line says what POST /v1/runs/batch takes of one run: template,
                plan_digest or plan; inputs, session, lane, priority, key, delay_ms or
                due_at, idempotency_key. The flags fill in what a line leaves out; empty lines
                are passed over. Paths in inputs are absolute.

                A thousand lines at a time are stored, all of them or none; a bad line
                ends the command and is told by its number. A line with an
                idempotency_key makes one run in its lane however often it is sent, so
                such a file can be sent again.

                Prints the runs' ids, those of runs that were there already too.

                Examples:
                  opsroom runs enqueue jobs.jsonl --plan mail.yaml --lane B
                  jq -c '.[] | {inputs: {order: .id}, idempotency_key: "\\(.id)"}' orders.json |
                    opsroom runs enqueue - --template confirm-order -o jsonl
                """
        )

        @Argument(help: "The file; - is standard input.", completion: .file())
        var file: String
        @Option(help: "A plan file, for lines that name no plan.", completion: .file())
        var plan: String?
        @Option(help: "A template, for lines that name no plan.")
        var template: String?
        @Option(help: "The session of lines that name none.")
        var session: String?
        @Option(help: "The lane of lines that name none, made when absent.")
        var lane: String?
        @OptionGroup var output: OutputOptions
        @OptionGroup var place: PlaceOptions

        func validate() throws {
            if let lane { try LaneName.check(lane) }
            if self.plan != nil, self.template != nil {
                throw ValidationError("say --plan or --template, not both")
            }
        }

        func run() async throws {
            let compiled = try self.plan.map { path in
                (path, try PlanFile.compileNamedWithSources(path))
            }
            if let compiled { self.output.warn(compiled.1.plan.warnings) }
            try await self.place.access { room in
                var digest: Digest?
                if let (path, (plan, files)) = compiled {
                    digest = try await room.storePlan(plan, files, path: path)
                }
                try await self.enqueue(try LineReader(self.file), digest, room)
            }
        }

        private func enqueue(
            _ lines: LineReader,
            _ plan: Digest?,
            _ room: any RoomAccess
        ) async throws {
            var lines = lines
            var runs: [JSONValue] = []
            var (made, known, last) = (0, 0, 0)
            var failure: (any Error)?
            do {
                while let batch = try self.batch(&lines, plan) {
                    let answers = try await self.send(batch, room)
                    let fresh = answers.filter { $0["made"]?.boolValue ?? false }.count
                    made += fresh
                    known += answers.count - fresh
                    last = batch.last?.line ?? last
                    let rows = zip(answers, batch).map(Self.row)
                    switch self.output.output {
                    case .table: Terminal.output.line(Self.ids(rows))
                    case .json: runs += rows
                    case .jsonl: self.output.printJSON("runs", rows)
                    }
                }
            } catch {
                failure = error
            }
            // What was made is told, whatever came after it.
            if self.output.output == .json, failure == nil || last > 0 {
                self.output.printJSON("runs", runs)
            }
            if let failure {
                throw Self.adding("lines up to \(last) are stored", last, to: failure)
            }
            if self.output.output == .table {
                Terminal.error.line(
                    "\(made) run\(made == 1 ? "" : "s") queued from \(self.source)"
                        + (known > 0 ? ", \(known) there already" : "")
                )
            }
        }

        /// The next lines that go together; `nil` at the end.
        private func batch(
            _ lines: inout LineReader,
            _ plan: Digest?
        ) throws -> [(line: Int, run: JSONValue)]? {
            var batch: [(line: Int, run: JSONValue)] = []
            var bytes = 0
            while batch.count < RunBatch.runsMax, bytes < LineReader.lineBytesMax,
                let line = try lines.next()
            {
                bytes += line.bytes.count
                if line.bytes.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }) { continue }
                batch.append((line.number, try self.run(line.bytes, line.number, plan)))
            }
            return batch.isEmpty ? nil : batch
        }

        private func run(_ bytes: [UInt8], _ number: Int, _ plan: Digest?) throws -> JSONValue {
            let value: JSONValue
            do {
                value = try JSONValue(parsing: bytes)
            } catch {
                throw RoomError(.usage, "\(self.name(of: number)): it is \(error.message)")
            }
            // Whatever is no object is refused where all else is.
            guard var members = value.objectValue?.filter({ $0.value != .null }) else {
                return value
            }
            if let session, members["session"] == nil { members["session"] = .string(session) }
            if let lane, members["lane"] == nil { members["lane"] = .string(lane) }
            if !["plan", "files", "plan_digest", "template"].contains(where: { members[$0] != nil })
            {
                members["plan_digest"] = plan.map { .string($0.description) }
                members["template"] = self.template.map { .string($0) }
            }
            return .object(members)
        }

        private func send(
            _ batch: [(line: Int, run: JSONValue)],
            _ room: any RoomAccess
        ) async throws -> [JSONValue] {
            do {
                return try await room.enqueue(batch.map(\.run))
            } catch var failure as Failure {
                // What the batch calls runs[3] is a line to whoever wrote the file.
                guard let match = failure.error.message.firstMatch(of: /^runs\[([0-9]+)\]\.?/),
                    let index = Int(match.1), batch.indices.contains(index)
                else { throw failure }
                let name = self.name(of: batch[index].line)
                let rest = failure.error.message[match.range.upperBound...]
                failure.error.message = name + (rest.hasPrefix(":") ? "" : ", ") + rest
                if rest.contains("session") {
                    failure.error.next = failure.error.next ?? "opsroom sessions list"
                }
                failure.problems = failure.problems.map { "\(name): \($0)" }
                for place in failure.diagnostics.indices {
                    failure.diagnostics[place].file = "\(name), plan"
                }
                throw failure
            }
        }

        private func name(of line: Int) -> String {
            "line \(line) of \(self.source)"
        }

        private var source: String { self.file == "-" ? "standard input" : self.file }

        private static func row(
            _ answer: JSONValue,
            _ asked: (line: Int, run: JSONValue)
        ) -> JSONValue {
            var members = answer.objectValue ?? [:]
            members["line"] = .integer(Int64(asked.line))
            return .object(members)
        }

        private static func ids(_ rows: [JSONValue]) -> String {
            rows.compactMap { $0["id"]?.stringValue }.joined(separator: "\n")
        }

        /// Says with an error how far the file was read before it.
        private static func adding(_ words: String, _ last: Int, to error: any Error) -> any Error {
            guard last > 0 else { return error }
            switch error {
            case var failure as Failure:
                failure.error.message += "; \(words)"
                if let place = failure.problems.indices.last {
                    failure.problems[place] += "; \(words)"
                }
                return failure
            case var error as RoomError:
                error.message += "; \(words)"
                return error
            default: return error
            }
        }
    }
}

/// The lines of a file, read piece by piece.
struct LineReader {
    /// Bytes of a line, and of what goes in one request but its last line.
    static let lineBytesMax = 2 << 20
    private static let pieceBytes = 256 << 10

    private let file: FileHandle
    private let path: String
    private var piece: ArraySlice<UInt8> = []
    private var number = 0
    private var isOver = false

    /// Opens a file; `-` is standard input.
    init(_ path: String) throws {
        self.path = path
        guard path != "-" else {
            self.file = .standardInput
            return
        }
        guard let file = FileHandle(forReadingAtPath: path) else {
            throw RoomError(
                .notFound,
                "there is no file \(path) that can be read",
                next: "ls -l \(ShellWord.quoted(path))"
            )
        }
        self.file = file
    }

    /// The next line without its end, counted from 1; `nil` when there are no more.
    mutating func next() throws -> (number: Int, bytes: [UInt8])? {
        var line: [UInt8] = []
        while true {
            if let end = self.piece.firstIndex(of: 0x0A) {
                line += self.piece[..<end]
                self.piece = self.piece[(end + 1)...]
                break
            }
            line += self.piece
            self.piece = []
            guard line.count <= Self.lineBytesMax else { break }
            if !self.isOver { try self.read() }
            if self.isOver, self.piece.isEmpty {
                if line.isEmpty { return nil }
                break
            }
        }
        self.number += 1
        guard line.count <= Self.lineBytesMax else {
            throw RoomError(
                .usage,
                "line \(self.number) of \(self.path) is longer than \(Self.lineBytesMax) bytes"
            )
        }
        return (self.number, line)
    }

    private mutating func read() throws {
        let data: Data?
        do {
            data = try self.file.read(upToCount: Self.pieceBytes)
        } catch {
            throw RoomError(
                .failed,
                "\(self.path) cannot be read",
                next: "ls -l \(ShellWord.quoted(self.path))"
            )
        }
        guard let data, !data.isEmpty else {
            self.isOver = true
            return
        }
        self.piece = ArraySlice(data)
    }
}
