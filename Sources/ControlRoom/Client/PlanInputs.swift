// How `name=value` texts of a command become a run's inputs.

import Compiler
import Foundation
public import PulserIR

/// Inputs as people give them.
public enum PlanInputs {
    /// Binds texts to a plan's declared inputs; inputs of format `path` become absolute.
    ///
    /// - Parameters:
    ///   - texts: What was given, by the input's name.
    ///   - plan: The plan that declares the inputs.
    ///   - folder: What relative paths are relative to; `nil` means the working directory.
    /// - Returns: An object of every input, defaults filled in.
    /// - Throws: ``InputError`` naming everything that does not fit.
    public static func bind(
        _ texts: [String: String],
        to plan: Plan,
        folder: String? = nil
    ) throws(InputError) -> JSONValue {
        let bound = try PlanCompiler.bind(inputs: texts, to: plan)
        guard case .object(var values) = bound else { return bound }
        for (name, declaration) in plan.inputs where declaration.format == .path {
            guard case .string(let path) = values[name], !path.hasPrefix("/") else { continue }
            let base = URL(
                fileURLWithPath: folder ?? FileManager.default.currentDirectoryPath,
                isDirectory: true
            )
            let whole: URL = URL(fileURLWithPath: path, relativeTo: base).standardized
            values[name] = .string(whole.path)
        }
        return .object(values)
    }

    /// Replaces some inputs of an earlier run.
    static func merge(
        _ texts: [String: String],
        into old: [String: JSONValue],
        of plan: Plan
    ) throws(InputError) -> [String: JSONValue] {
        let kept = old.mapValues { $0.stringValue ?? $0.canonicalText }
        return try Self.bind(kept.merging(texts) { $1 }, to: plan).objectValue ?? [:]
    }
}
