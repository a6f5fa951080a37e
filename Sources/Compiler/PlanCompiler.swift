// How plan files become plans: read, check everything, normalise, name by digest.

internal import PulserIR

/// Compiles plan files.
public struct PlanCompiler: Sendable {
    private let loadFile: @Sendable (String) throws -> [UInt8]

    /// Makes a compiler.
    ///
    /// - Parameter loadFile: Reads a child plan, by its path relative to what the outermost file's
    ///   name is relative to.
    public init(loadFile: @escaping @Sendable (_ path: String) throws -> [UInt8]) {
        self.loadFile = loadFile
    }

    /// Compiles the text of a plan file, YAML or JSON, with every plan it runs.
    ///
    /// - Parameters:
    ///   - bytes: The file's content.
    ///   - file: The file's path, for findings and as the base of child plans' paths.
    /// - Returns: The plan with its canonical bytes and digest, and the plans it runs.
    /// - Throws: ``CompileError`` with everything that is wrong, by place.
    public func compile(_ bytes: [UInt8], file: String) throws(CompileError) -> CompiledPlan {
        let children = ChildCompiler(
            loadFile: self.loadFile,
            cache: ChildCompiler.Cache(),
            ancestors: [ChildCompiler.resolve(file, against: "")]
        )
        return try Self.compile(bytes, file: file, children: children)
    }

    static func compile(
        _ bytes: [UInt8],
        file: String,
        children: ChildCompiler
    ) throws(CompileError) -> CompiledPlan {
        var log = DiagnosticLog(file: file)
        guard let (root, source) = SourceReader.read(bytes, named: file, log: &log) else {
            throw log.failure
        }
        var reader = PlanReader(file: source, children: children, log: log)
        reader.read(root)
        let graph = StepGraph(steps: reader.plan.steps, sources: reader.stepSources)
        graph.check(&reader.log)
        var references = ReferenceCheck(reader: reader, graph: graph)
        references.run()
        guard !references.log.hasErrors else { throw references.log.failure }
        do throws(JSONError) {
            let canonical = try reader.plan.canonicalBytes()
            return CompiledPlan(
                plan: reader.plan,
                canonicalBytes: canonical,
                digest: Digest(of: canonical),
                children: reader.childPlans,
                warnings: references.log.sorted
            )
        } catch {
            references.log.error(error.message, at: root.mark)
            throw references.log.failure
        }
    }
}
