// How the plans that a plan runs are found and compiled, each once.

internal import PulserIR

/// Compiles child plans, with the way from the outermost plan down to here.
struct ChildCompiler {
    /// Why a child plan cannot be used.
    struct Failure: Error {
        var message: String
        var hint: String?
        /// What is wrong inside the child.
        var diagnostics: [Diagnostic] = []
    }

    /// Child plans compiled so far in one call of the compiler, so that a plan named often is
    /// compiled once.
    final class Cache {
        var plans: [String: Result<CompiledPlan, Failure>] = [:]
    }

    let loadFile: @Sendable (String) throws -> [UInt8]
    let cache: Cache
    /// The files from the outermost down to the one being read.
    let ancestors: [String]

    /// The child plan at `path`, which a plan in `parent` names.
    func compile(_ path: String, namedIn parent: String) throws(Failure) -> CompiledPlan {
        let file = Self.resolve(path, against: parent)
        if self.ancestors.contains(file) {
            let way = (self.ancestors.drop { $0 != file } + [file]).joined(separator: " -> ")
            throw Failure(
                message: "a plan cannot run itself: \(way)",
                hint: "a child plan must end without its parent"
            )
        }
        guard self.ancestors.count < Limits.childDepthMax else {
            throw Failure(message: "child plans are nested deeper than \(Limits.childDepthMax)")
        }
        if let known = self.cache.plans[file] { return try known.get() }
        let result = self.load(file)
        self.cache.plans[file] = result
        return try result.get()
    }

    private func load(_ file: String) -> Result<CompiledPlan, Failure> {
        let bytes: [UInt8]
        do {
            bytes = try self.loadFile(file)
        } catch {
            let hint = "paths are relative to the plan that names them"
            return .failure(Failure(message: "cannot read the plan '\(file)'", hint: hint))
        }
        let inner = ChildCompiler(
            loadFile: self.loadFile,
            cache: self.cache,
            ancestors: self.ancestors + [file]
        )
        do throws(CompileError) {
            return .success(try PlanCompiler.compile(bytes, file: file, children: inner))
        } catch {
            return .failure(
                Failure(
                    message: "the plan '\(file)' has errors",
                    diagnostics: error.diagnostics
                )
            )
        }
    }

    /// `path` as seen from the folder of `parent`, without `.` and needless `..`.
    static func resolve(_ path: String, against parent: String) -> String {
        let folder = parent.split(separator: "/", omittingEmptySubsequences: false).dropLast()
        let isAbsolute = path.hasPrefix("/") || parent.hasPrefix("/")
        let parts = path.split(separator: "/")
        let all = path.hasPrefix("/") ? Array(parts) : Array(folder) + Array(parts)
        var result: [Substring] = []
        for part in all where !part.isEmpty && part != "." {
            if part == "..", let last = result.last, last != ".." {
                result.removeLast()
            } else if part != ".." || !isAbsolute {
                result.append(part)
            }
        }
        return (isAbsolute ? "/" : "") + result.joined(separator: "/")
    }
}
