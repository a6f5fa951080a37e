// What each kind of check looks at.

import PulserIR

extension VerifierRunner {
    /// An answer: status, header fields, body, places in its JSON.
    func checkHTTP(
        _ check: HTTPCheck,
        _ result: JSONValue,
        _ context: ToolContext
    ) async throws(ToolFailure) -> Finding {
        let answer: JSONValue
        if let request = check.request {
            let own = try await self.http.run(request, in: context)
            answer = own.value
        } else {
            answer = result
        }
        guard let status = answer["status"]?.integerValue else {
            return .error("the step's result is no HTTP answer")
        }
        var builder = FindingBuilder()
        let allowed = check.statuses.map(String.init).joined(separator: " or ")
        builder.expect(
            "status \(check.statuses.isEmpty ? "2xx" : allowed)",
            observed: "status \(status)",
            holds: check.statuses.isEmpty
                ? (200...299).contains(status) : check.statuses.contains(Int(status))
        )
        let sink = Sink(scope: context.scope)
        for (name, template) in check.headers.sorted(by: { $0.key < $1.key }) {
            let wanted = try sink.text(template, for: "header \(name)")
            let found = answer["headers"]?[name.lowercased()]?.stringValue
            builder.expect(
                "header \(name): \(wanted)",
                observed: "header \(name): \(found ?? "absent")",
                holds: found == wanted
            )
        }
        if let pattern = check.bodyMatch {
            let isFound = try await Self.matches(
                pattern,
                answer["body"]?.stringValue ?? "",
                context
            )
            builder.expect(
                "body matching /\(pattern)/",
                observed: isFound ? "body matches" : "body does not match",
                holds: isFound
            )
        }
        for (pointer, template) in check.pointers.sorted(by: { $0.key < $1.key }) {
            let wanted = try sink.value(template, for: "json \(pointer)")
            let found = JSONPointer.value(at: pointer, in: answer["json"] ?? .null)
            builder.expect(
                "\(pointer) = \(FindingBuilder.show(wanted))",
                observed: "\(pointer) = \(FindingBuilder.show(found))",
                holds: found?.isEqual(to: wanted) ?? false
            )
        }
        return builder.finish()
    }

    /// A program's end and output.
    func checkShell(
        _ check: ShellCheck,
        _ result: JSONValue,
        _ context: ToolContext
    ) async throws(ToolFailure) -> Finding {
        let end: JSONValue
        if let program = check.program {
            let own = try await self.shell.run(program, in: context, redactor: self.redactor)
            if let failure = own.failure { throw failure }
            end = own.value
        } else {
            end = result
        }
        guard let exit = end["exit"]?.integerValue else {
            return .error("the step's result is no program's end")
        }
        var builder = FindingBuilder()
        let signal = end["signal"]?.stringValue.map { " (\($0))" } ?? ""
        builder.expect(
            "exit \(check.exit)",
            observed: "exit \(exit)\(signal)",
            holds: exit == Int64(check.exit)
        )
        if let pattern = check.stdoutMatch {
            let isFound = try await Self.matches(pattern, end["stdout"]?.stringValue ?? "", context)
            builder.expect(
                "stdout matching /\(pattern)/",
                observed: isFound ? "stdout matches" : "stdout does not match",
                holds: isFound
            )
        }
        return builder.finish()
    }

    /// Rows, read in a read-only transaction.
    func checkSQL(
        _ check: SQLCheck,
        _ result: JSONValue,
        _ context: ToolContext
    ) async throws(ToolFailure) -> Finding {
        let answer: JSONValue
        if let query = check.query {
            let own = try await self.sql.run(query, isReadOnly: true, in: context)
            answer = own.value
        } else {
            answer = result
        }
        guard let count = answer["count"]?.integerValue, let rows = answer["rows"] else {
            return .error("the step's result holds no rows")
        }
        var builder = FindingBuilder()
        if let wanted = check.rowCount {
            builder.expect(
                "\(wanted) rows",
                observed: "\(count) rows",
                holds: count == Int64(wanted)
            )
        }
        let sink = Sink(scope: context.scope)
        for (column, template) in check.expect.sorted(by: { $0.key < $1.key }) {
            let wanted = try sink.value(template, for: "expect.\(column)")
            let found = rows[0]?[column]
            let shown = rows[0] == nil ? "no row" : "\(column) = \(FindingBuilder.show(found))"
            builder.expect(
                "\(column) = \(FindingBuilder.show(wanted))",
                observed: shown,
                holds: found?.isEqual(to: wanted) ?? false
            )
        }
        if check.rowCount == nil, check.expect.isEmpty {
            builder.expect("the query completes", observed: "\(count) rows", holds: true)
        }
        return builder.finish()
    }

    /// A value against a schema.
    static func checkSchema(
        _ template: Template,
        _ schema: JSONValue,
        _ context: ToolContext
    ) async throws(ToolFailure) -> Finding {
        let value = try Sink(scope: context.scope).value(template, for: "json_schema")
        let finding = await BlockingWork.run(until: context.deadline) { () -> Finding in
            do throws(JSONSchema.SchemaError) {
                var validator = try JSONSchema(schema)
                let violation = try validator.validate(value)
                return Finding(
                    result: violation == nil ? .passed : .failed,
                    expected: "the schema",
                    observed: violation.map {
                        "\($0.pointer.isEmpty ? "/" : $0.pointer) \($0.message)"
                    }
                        ?? "fits"
                )
            } catch {
                return .error(error.message)
            }
        }
        return finding ?? .error("the schema was not applied in time", kind: .timeout)
    }

    /// A file's digest, expected or only recorded.
    static func checkFile(
        _ check: ChecksumCheck,
        _ context: ToolContext
    ) async throws(ToolFailure) -> Finding {
        let sink = Sink(scope: context.scope)
        let name = try sink.text(check.file, for: "file")
        let isOutside = name.hasPrefix("/") && check.file.isLiteral
        let path = isOutside ? name : try WorkspacePath.resolve(name, in: context.workspace)
        var expected: Digest?
        if let template = check.expect {
            expected = Digest(try sink.text(template, for: "expect"))
            if expected == nil { return .error("the expected digest is no SHA-256") }
        }
        guard let (digest, _) = await FileReading.digest(of: path) else {
            return .error("file '\(name)' cannot be read")
        }
        var builder = FindingBuilder()
        builder.expect(
            expected?.description ?? "recorded",
            observed: digest.description,
            holds: expected == nil || expected == digest
        )
        return builder.finish()
    }

    /// A boolean expression.
    static func checkExpression(_ expression: Expression, _ scope: EvaluationScope) -> Finding {
        do {
            let evaluated = try expression.evaluate(in: scope)
            guard !evaluated.isTainted else { return .error("an assertion may not read a secret") }
            guard let holds = evaluated.value.boolValue else {
                return .error("the assertion is \(evaluated.value.typeName), not boolean")
            }
            return Finding(
                result: holds ? .passed : .failed,
                expected: expression.source,
                observed: holds ? "true" : "false"
            )
        } catch {
            return .error(error.message)
        }
    }

    private static func matches(
        _ pattern: String,
        _ text: String,
        _ context: ToolContext
    ) async throws(ToolFailure) -> Bool {
        guard PatternCache.regex(pattern) != nil else {
            throw ToolFailure(.error, "'\(pattern)' is no regular expression")
        }
        let answer = await BlockingWork.run(until: context.deadline) { () -> Bool in
            PatternCache.regex(pattern).map { PatternCache.isMatch($0, text) } ?? false
        }
        guard let answer else {
            throw ToolFailure(.timeout, "the regular expression did not end in time")
        }
        return answer
    }
}
