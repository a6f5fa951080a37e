// Where the plan files of these tests are, and how they are compiled.

import Compiler
import Foundation
import PulserIR

/// The plan files under `Tests/Fixtures`.
enum Fixtures {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Fixtures")

    /// The names of the broken plans, without their suffix.
    static let broken: [String] = {
        let names = try? FileManager.default.contentsOfDirectory(
            atPath: folder.appending(path: "broken").path(percentEncoded: false)
        )
        return (names ?? []).filter { $0.hasSuffix(".yaml") }.map { String($0.dropLast(5)) }
            .sorted()
    }()

    /// A compiler that reads child plans relative to `broken/`.
    static let compiler = PlanCompiler { path in
        [UInt8](try Data(contentsOf: folder.appending(path: "broken").appending(path: path)))
    }

    /// Compiles text as `plan.yaml`.
    static func compile(_ text: String) throws(CompileError) -> CompiledPlan {
        try self.compiler.compile(Array(text.utf8), file: "plan.yaml")
    }

    /// What is wrong with `bytes`, one line each, without the file's name; empty when nothing is.
    static func problems(_ bytes: [UInt8], file: String = "plan.yaml") -> [String] {
        do throws(CompileError) {
            _ = try self.compiler.compile(bytes, file: file)
            return []
        } catch {
            return error.diagnostics.map {
                $0.file == file
                    ? String($0.description.dropFirst(file.utf8.count + 1)) : $0.description
            }
        }
    }

    /// What is wrong with `text`.
    static func problems(_ text: String) -> [String] { self.problems(Array(text.utf8)) }

    /// A plan around these lines.
    static func plan(_ body: String) -> String {
        "apiVersion: pulser/v1\nkind: Plan\nmetadata: {name: p}\n" + body
    }
}
