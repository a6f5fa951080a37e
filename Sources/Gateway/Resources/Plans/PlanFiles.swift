// Plan files that come with a request, and which plan a request means.

import Compiler
import Hummingbird
import PulserIR
import Store

/// Plan files by their paths, and the one to begin with.
struct PlanFiles: Sendable, Hashable {
    /// Files of one request.
    static let filesMax = 64

    var main: String
    var texts: [String: String]

    /// Compiles the main file and the plans it runs.
    ///
    /// - Throws: `CompileError` with all findings.
    func compile() throws -> CompiledPlan {
        let texts = self.texts
        let compiler = PlanCompiler { path in
            guard let text = texts[path] else { throw UnknownFile() }
            return Array(text.utf8)
        }
        return try compiler.compile(Array((texts[self.main] ?? "").utf8), file: self.main)
    }

    private struct UnknownFile: Error {}
}

/// Which plan a request means.
struct PlanSource: Sendable {
    enum Kind: Sendable, Hashable {
        case files(PlanFiles)
        case digest(Digest)
        case template(String)
    }

    var kind: Kind
    /// The template's name, when it means one.
    var template: String? {
        if case .template(let name) = self.kind { name } else { nil }
    }

    /// Reads `plan` (text or object), `files` with `main`, `plan_digest` or `template`: one of them.
    ///
    /// - Parameters:
    ///   - body: The request.
    ///   - inlineOnly: Whether only `plan` and `files` are known here.
    init(_ body: inout JSONBody, inlineOnly: Bool = false) {
        var kinds: [Kind] = []
        switch body.value("plan") {
        case .string(let text)?:
            kinds.append(.files(PlanFiles(main: "plan.yaml", texts: ["plan.yaml": text])))
        case .object(let plan)?:
            let text = JSONValue.object(plan).canonicalText
            kinds.append(.files(PlanFiles(main: "plan.json", texts: ["plan.json": text])))
        case nil: break
        default: body.note("plan", "'plan' must be the text of a plan file, or an object")
        }
        if let files = Self.files(&body) { kinds.append(.files(files)) }
        var names = "plan or files"
        if !inlineOnly {
            names = "plan, files, plan_digest or template"
            if let text = body.text("plan_digest") {
                if let digest = Digest(text) {
                    kinds.append(.digest(digest))
                } else {
                    body.note("plan_digest", "a digest is 'sha256:' and 64 hexadecimal digits")
                }
            }
            if let name = body.text("template") { kinds.append(.template(name)) }
        }
        if kinds.count != 1 { body.note("plan", "say which plan, once: \(names)") }
        self.kind = kinds.first ?? .template("")
    }

    private static func files(_ body: inout JSONBody) -> PlanFiles? {
        let main = body.text("main")
        guard let files = body.object("files") else {
            if main != nil { body.note("main", "'main' names one of 'files'") }
            return nil
        }
        guard files.count <= PlanFiles.filesMax else {
            body.note("files", "at most \(PlanFiles.filesMax) files come with a request")
            return nil
        }
        var texts: [String: String] = [:]
        for (path, value) in files {
            guard let text = value.stringValue else {
                body.note("files", "every file is a text")
                return nil
            }
            texts[path] = text
        }
        let first = main ?? (texts.count == 1 ? texts.keys.first : nil)
        guard let first, texts[first] != nil else {
            body.note("main", "'main' must name the file to begin with")
            return nil
        }
        return PlanFiles(main: first, texts: texts)
    }

    /// Reads plan files from a body: YAML as it is, or JSON with `plan` or `files`.
    static func files(_ request: Request) async throws -> PlanFiles {
        let type = request.mediaType
        if ["application/yaml", "application/x-yaml", "text/yaml"].contains(type) {
            let bytes = try await request.bytes(upTo: Limits.planBytesMax)
            let text = String(decoding: bytes.readableBytesView, as: UTF8.self)
            return PlanFiles(main: "plan.yaml", texts: ["plan.yaml": text])
        }
        var body = try JSONBody(try await request.json(upTo: RunsResource.bodyBytesMax))
        let source = PlanSource(&body, inlineOnly: true)
        try body.finish()
        guard case .files(let files) = source.kind else {
            throw Problem(.invalidBody, "the body brings no plan", next: "send plan or files")
        }
        return files
    }
}

extension PlanSource {
    /// The plan that a request means, with what the store may not have of it.
    ///
    /// - Throws: `CompileError` for files that are no plan, `notFound` for what is not stored.
    func find(in store: Store) async throws -> (plan: Plan, digest: Digest, rows: [PlanRow]) {
        switch self.kind {
        case .files(let files):
            let compiled = try files.compile()
            return (compiled.plan, compiled.digest, compiled.rows)
        case .digest(let digest): return (try await store.plan(digest), digest, [])
        case .template(let name):
            let template = try await store.template(name)
            return (try await store.plan(template.plan), template.plan, [])
        }
    }
}
