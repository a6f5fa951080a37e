// Decides that every error says what to run next, to people and to scripts, and changes nothing.

import Foundation
import PulserIR
import Testing

extension SystemTests {
    @Suite(.timeLimit(.minutes(2)))
    struct CommandLineErrors {
        /// Words that fail, and how.
        private struct Case {
            var words: [String]
            var code: Int32
            var says: String
            var next: String
        }

        private static let noDatabase = "DATABASE_URL=postgres://USER@HOST/DATABASE opsroom doctor"

        private static func cases(_ site: Site) throws -> [Case] {
            let good = try site.plan("good", "steps: [{id: a, shell: {argv: [echo, hi]}}]")
            let bad = try site.plan("bad", "steps: [{id: a, needs: [b], shell: {argv: [ls]}}]")
            let folder = try site.makeFolder("folder")
            let runHelp = "opsroom run --help"
            return [
                Case(words: ["run"], code: 64, says: "'<plan>'", next: runHelp),
                Case(words: ["run", good, "--odd"], code: 64, says: "'--odd'", next: runHelp),
                Case(words: ["rnus"], code: 64, says: "'runs'?", next: "opsroom runs --help"),
                Case(
                    words: ["runs", "lst"],
                    code: 64,
                    says: "there is no command 'lst'; did you mean 'list'?",
                    next: "opsroom runs list --help"
                ),
                Case(
                    words: ["runs", "list", "--status", "faild"],
                    code: 64,
                    says: "did you mean 'failed'?",
                    next: "opsroom runs list --help"
                ),
                Case(
                    words: ["run", bad],
                    code: 64,
                    says: "bad.yaml",
                    next: "opsroom plan check \(bad)"
                ),
                Case(
                    words: ["run", good, "--input", "x=1"],
                    code: 64,
                    says: "'x'",
                    next: "opsroom plan show \(good)"
                ),
                Case(
                    words: ["run", folder],
                    code: 5,
                    says: "\(folder) is a folder, not a plan file",
                    next: "ls \(folder)"
                ),
                Case(
                    words: ["run", "\(site.folder)/none/none.yaml"],
                    code: 5,
                    says: "there is no file",
                    next: "ls \(site.folder)"
                ),
                Case(words: ["run", good, "--lane", ""], code: 64, says: "name", next: runHelp),
                Case(words: ["run", good, "--lane", "a/b"], code: 64, says: "a/b", next: runHelp),
                Case(
                    words: ["run", good, "--lane", String(repeating: "l", count: 65)],
                    code: 64,
                    says: "64 bytes",
                    next: runHelp
                ),
                Case(
                    words: ["run", good, "--priority", "2147483648"],
                    code: 64,
                    says: "--priority must be",
                    next: runHelp
                ),
            ] + Self.others(file: "\(site.folder)/good.yaml")
        }

        private static func others(file: String) -> [Case] {
            [
                Case(
                    words: ["retention", "set", "--runs", "5x"],
                    code: 64,
                    says: "write whole days from 1d to 36500d, or forever",
                    next: "opsroom retention set --help"
                ),
                Case(
                    words: ["runs", "list", "--data", file],
                    code: 69,
                    says: "it is not a directory",
                    next: "opsroom runs list --data OTHER"
                ),
            ]
        }

        @Test("every error ends with a command to run; as JSON it is one document on stderr")
        func errors() async throws {
            try await Site.with(.embedded) { site in
                for (number, example) in try Self.cases(site).enumerated() {
                    let isPlaced = example.words.contains("--data")
                    let data: String? = isPlaced ? nil : "data"
                    let told = try await site.run(example.words, data: data)
                    #expect(told.code == example.code, "\(example.words): \(told.error)")
                    #expect(told.output == "", "\(example.words)")
                    #expect(told.error.contains(example.says), "\(told.error)")
                    #expect(told.error.hasSuffix("\nNext:  \(example.next)\n"), "\(told.error)")

                    let form = number.isMultiple(of: 2) ? "--output=jsonl" : "-ojson"
                    let json = try await site.run(example.words + [form], data: data)
                    #expect(json.code == example.code && json.output == "", "\(json.error)")
                    let error = try JSONValue(parsing: json.error)["error"]
                    #expect(error?["next"] == .string(example.next), "\(json.error)")
                    #expect(error?["retryable"] == .bool(example.code == 69))
                    #expect(error?["code"]?.stringValue != nil)
                    #expect(error?["message"]?.stringValue?.isEmpty == false)
                }
                #expect(!FileManager.default.fileExists(atPath: "\(site.folder)/data"))
            }
        }

        @Test("a bad plan's JSON names every place; other words than the form's make no JSON")
        func diagnostics() async throws {
            try await Site.with(.embedded) { site in
                let bad = try site.plan("bad", "steps: [{id: a, needs: [b], shell: {argv: [ls]}}]")
                let answer = try await site.run(["run", bad, "-o", "json"])
                guard
                    case .array(let found)? = try JSONValue(parsing: answer.error)["error"]?[
                        "diagnostics"
                    ]
                else { return #expect(Bool(false), "no diagnostics in \(answer.error)") }
                #expect(found.first?["file"] == .string(bad))
                #expect(found.first?["line"] == .integer(4))
                #expect(found.first?["column"]?.integerValue != nil)
                #expect(found.first?["message"] == .string("there is no step 'b'"))
                #expect(found.first?["hint"] != nil)
                let words = try await site.run(["run", bad, "--key", "json", "--lane", "jsonl"])
                #expect(words.error.contains("bad.yaml:4:"), "\(words.error)")
            }
        }

        @Test("a DATABASE_URL that is none is a usage error, and its password is not repeated")
        func databaseURL() async throws {
            try await Site.with(.embedded) { site in
                for url in ["postgre://ops:hidden@db/x", "postgres://ops:hidden@[::1/x"] {
                    let answer = try await site.run(
                        ["doctor"],
                        environment: ["DATABASE_URL": url]
                    )
                    #expect(answer.code == 64, "\(url): \(answer.error)")
                    #expect(answer.error.hasSuffix("Next:  \(Self.noDatabase)\n"))
                    #expect(!answer.error.contains("hidden"))
                }
                #expect(!FileManager.default.fileExists(atPath: "\(site.folder)/data"))
            }
        }

        @Test("a database without tables is told as such, with the command that makes them")
        func noTables() async throws {
            try await Site.with { site in
                let plan = try site.plan("nap", "steps: [{id: a, system: {sleep: 0s}}]")
                let answer = try await site.run(["run", plan, "--detach"])
                #expect(answer.code == 1)
                #expect(answer.error.contains("the database lacks the room's tables"))
                #expect(answer.error.hasSuffix("\nNext:  opsroom migrate apply\n"))
                #expect(try await site.run(["migrate", "apply"]).code == 0)
                #expect(try await site.run(["run", plan, "--detach"]).code == 0)
            }
        }

        @Test("a session with a bad lane is not made; session errors lead to the sessions")
        func sessions() async throws {
            try await Site.with { site in
                #expect(try await site.run(["migrate", "apply"]).code == 0)
                for lane in ["A:1:2147483648", "A:0", "A:1001", "A:x", ":1", "a/b", "A:1:2:3"] {
                    let words = ["sessions", "create", "s", "--lane", "Good", "--lane", lane]
                    let answer = try await site.run(words)
                    #expect(answer.code == 64, "\(lane): \(answer.error)")
                    #expect(answer.error.hasSuffix("Next:  opsroom sessions create --help\n"))
                }
                #expect(try await site.rows("SELECT name FROM session") == [])
                #expect(try await site.run(["sessions", "create", "s"]).code == 0)
                let plan = try site.plan("nap", "steps: [{id: a, system: {sleep: 0s}}]")
                for (words, code) in [
                    (["sessions", "create", "s"], Int32(6)), (["sessions", "archive", "none"], 5),
                    (["run", plan, "--session", "none"], 5),
                    (["lanes", "set", "none/A", "--width", "2"], 5),
                ] {
                    let answer = try await site.run(words)
                    #expect(answer.code == code, "\(answer.error)")
                    #expect(answer.error.hasSuffix("\nNext:  opsroom sessions list\n"))
                }
            }
        }
    }
}
