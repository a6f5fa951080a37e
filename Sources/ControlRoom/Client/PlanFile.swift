// How a plan file on disk becomes a compiled plan.

public import Compiler
import Foundation
import PulserIR
import Synchronization

/// Plan files on this machine.
public enum PlanFile {
    /// Compiles the file and the plans it runs.
    ///
    /// - Throws: ``RoomError`` when it cannot be read, `CompileError` with all findings.
    public static func compile(_ path: String) throws -> CompiledPlan {
        let bytes = try Self.read(path)
        return try PlanCompiler { try Self.read($0) }.compile(bytes, file: path)
    }

    /// Compiles the file and the plans it runs, and keeps the texts of all of them.
    ///
    /// - Parameter path: The file.
    /// - Returns: The plan, and the files by the paths under which the compiler asked for them.
    /// - Throws: ``RoomError`` when one cannot be read, `CompileError` with all findings.
    public static func compileWithSources(
        _ path: String
    ) throws -> (plan: CompiledPlan, files: [String: String]) {
        let texts = Texts()
        let bytes = try texts.load(path)
        let plan = try PlanCompiler { try texts.load($0) }.compile(bytes, file: path)
        return (plan, texts.all.withLock(\.self))
    }

    /// The texts of the file and of the plans it runs, whether or not they compile.
    ///
    /// - Parameter path: The file.
    /// - Returns: The files by the paths under which the compiler asked for them.
    /// - Throws: ``RoomError`` when the file itself cannot be read.
    public static func sources(_ path: String) throws -> [String: String] {
        let texts = Texts()
        let bytes = try texts.load(path)
        _ = try? PlanCompiler { try texts.load($0) }.compile(bytes, file: path)
        return texts.all.withLock(\.self)
    }

    /// What was read, by its path.
    private final class Texts: Sendable {
        let all = Mutex([String: String]())

        func load(_ path: String) throws -> [UInt8] {
            let bytes = try PlanFile.read(path)
            self.all.withLock { $0[path] = String(decoding: bytes, as: UTF8.self) }
            return bytes
        }
    }

    /// Reads at most one byte more than a plan may have, so that a huge file costs nothing.
    private static func read(_ path: String) throws -> [UInt8] {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
            throw RoomError(.notFound, "there is no file \(path)", next: Self.list(above: path))
        }
        guard !isFolder.boolValue else {
            throw RoomError(
                .notFound,
                "\(path) is a folder, not a plan file",
                next: "ls \(ShellWord.quoted(path))"
            )
        }
        guard let file = FileHandle(forReadingAtPath: path) else {
            throw RoomError(
                .failed,
                "\(path) cannot be read",
                next: "ls -l \(ShellWord.quoted(path))"
            )
        }
        defer { try? file.close() }
        return Array(try file.read(upToCount: Limits.planBytesMax + 1) ?? Data())
    }

    /// Shows what there is where the file was looked for.
    private static func list(above path: String) -> String {
        var folder = URL(fileURLWithPath: path).deletingLastPathComponent()
        while folder.path != "/", !FileManager.default.fileExists(atPath: folder.path) {
            folder.deleteLastPathComponent()
        }
        return "ls \(ShellWord.quoted(folder.path))"
    }
}
