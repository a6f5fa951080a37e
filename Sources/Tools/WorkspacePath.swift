// Which paths are inside a run's workspace.

import Glibc
import PulserIR

/// Paths that a plan names.
public enum WorkspacePath {
    /// The absolute path of `relative` under `workspace`.
    ///
    /// The path may not exist yet. Neither `..` nor a symbolic link nor an absolute path leads
    /// out; the check is of the moment, a program that swaps links afterwards is the sandbox's
    /// business.
    ///
    /// - Throws: ``ToolFailure`` when the path is empty, absolute or leads out.
    public static func resolve(
        _ relative: String,
        in workspace: String
    ) throws(ToolFailure) -> String {
        guard !relative.isEmpty, !relative.utf8.contains(0) else {
            throw ToolFailure(.error, "the path is empty or holds a NUL")
        }
        guard !relative.hasPrefix("/") else {
            throw ToolFailure(
                .error,
                "path '\(relative)' is absolute; it must be relative to the workspace"
            )
        }
        var parts: [Substring] = []
        for part in relative.split(separator: "/") where part != "." {
            if part != ".." {
                parts.append(part)
            } else if parts.popLast() == nil {
                throw Self.outside(relative)
            }
        }
        guard let root = Self.real(workspace) else {
            throw ToolFailure(.error, "the workspace does not exist")
        }
        // The deepest part that exists decides; what does not exist cannot be a link.
        var existing = parts
        var missing: [Substring] = []
        while true {
            let candidate = ([root] + existing.map(String.init)).joined(separator: "/")
            if let real = Self.real(candidate) {
                guard real == root || real.hasPrefix(root + "/") else {
                    throw Self.outside(relative)
                }
                return ([real] + missing.reversed().map(String.init)).joined(separator: "/")
            }
            // A dangling link has no real path but would be followed once its target appears.
            var status = stat()
            if lstat(candidate, &status) == 0 { throw Self.outside(relative) }
            guard let last = existing.popLast() else { throw Self.outside(relative) }
            missing.append(last)
        }
    }

    private static func real(_ path: String) -> String? {
        guard let resolved = realpath(path, nil) else { return nil }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    private static func outside(_ path: String) -> ToolFailure {
        ToolFailure(.error, "path '\(path)' leads out of the workspace")
    }
}
