// `/v1/runs/{run}/log`: pages by line number, search over all lines, the whole as a text file.

import HTTPTypes
import Hummingbird
import NIOCore
import PulserIR
import Store

struct LogResource: Sendable {
    /// Lines of one page.
    static let countMax: Int64 = 1_000
    /// Lines from the end that a page may begin at.
    static let tailMax: Int64 = 100_000
    /// Findings of one answer.
    static let findingsMax: Int64 = 200
    /// Lines around a finding.
    static let contextMax: Int64 = 10
    /// Searches and readings from the end at once; one more is told to come back.
    static let searchesMax = 8
    /// Bytes written at once.
    private static let writeBytes = 64 << 10

    let runs: RunsResource
    let reader: LogReader
    let gate: RequestGate

    @Sendable
    func page(_ request: Request, _ context: GatewayContext) async throws -> Response {
        var query = try Query(request)
        let from = try query.integer("from", in: -Self.tailMax...Int64.max - 1) ?? 1
        let count = try query.integer("count", in: 1...Self.countMax) ?? 200
        let filter = try Self.filter(&query)
        try query.finish()
        let row = try await self.runs.run(context)
        // Both may read a long stretch of the log; a page from the front reads little.
        let isLong = from < 0 || !filter.isEmpty
        if isLong { try self.enter() }
        defer { if isLong { self.gate.leave() } }
        let page = try await self.reader.page(
            row,
            from: from == 0 ? 1 : from,
            count: Int(count),
            filter: filter
        )
        return .json(
            .object([
                "version": .integer(1), "run": .string(row.id.description),
                "lines": .array(page.lines.map(LogDocument.json)),
                "next": page.next.map { .integer($0) } ?? .null,
            ])
        )
    }

    @Sendable
    func search(_ request: Request, _ context: GatewayContext) async throws -> Response {
        var query = try Query(request)
        let text = try query.text("q")
        let isExpression = try query.bool("regex") ?? false
        let ignoresCase = try query.bool("ignore_case") ?? true
        let from = try query.integer("from", in: 1...Int64.max - 1) ?? 1
        let count = try query.integer("count", in: 1...Self.findingsMax) ?? 50
        let around = try query.integer("context", in: 0...Self.contextMax) ?? 2
        let filter = try Self.filter(&query)
        try query.finish()
        guard let text else { throw Self.noPattern }
        let pattern = try Self.pattern(text, isExpression: isExpression, ignoresCase: ignoresCase)
        let row = try await self.runs.run(context)
        try self.enter()
        defer { self.gate.leave() }
        let found = try await self.reader.search(
            row,
            pattern,
            from: from,
            count: Int(count),
            context: Int(around),
            filter: filter
        )
        return .json(
            .object([
                "version": .integer(1), "run": .string(row.id.description),
                "matches": .array(found.matches.map(LogDocument.json)),
                "scanned": .integer(found.scanned),
                "next": found.next.map { .integer($0) } ?? .null,
            ])
        )
    }

    /// All lines as a text file, as far as they are stored now.
    @Sendable
    func raw(_ request: Request, _ context: GatewayContext) async throws -> Response {
        var query = try Query(request)
        let isTimed = try query.bool("timestamps") ?? false
        let isNamed = try query.bool("steps") ?? false
        let filter = try Self.filter(&query)
        try query.finish()
        let row = try await self.runs.run(context)
        let reader = self.reader
        var fields: HTTPFields = [.contentType: "text/plain; charset=utf-8"]
        fields[.contentDisposition] = "attachment; filename=\"run-\(row.id).log\""
        let body = ResponseBody { writer in
            var buffer = ByteBuffer()
            var sieve = LogSieve(row.id, filter)
            if var position = reader.start(row, line: 1) {
                while let piece = try await reader.piece(row, from: position) {
                    for found in piece.lines where sieve.admits(found.event) {
                        guard let line = found.line else { continue }
                        if isTimed { buffer.writeString("\(line.at) ") }
                        if isNamed { buffer.writeString("\(line.step) | ") }
                        buffer.writeString(line.text)
                        buffer.writeInteger(UInt8(ascii: "\n"))
                        if buffer.readableBytes >= Self.writeBytes {
                            try await writer.write(buffer)
                            buffer = ByteBuffer()
                        }
                    }
                    position = piece.next
                }
            }
            if buffer.readableBytes > 0 { try await writer.write(buffer) }
            try await writer.finish(nil)
        }
        return Response(status: .ok, headers: fields, body: body)
    }

    private static var noPattern: Problem {
        Query.problem("q", "'q' is a text of 1 to \(LinePattern.bytesMax) bytes")
    }

    /// What a query looks for.
    static func pattern(
        _ text: String,
        isExpression: Bool,
        ignoresCase: Bool
    ) throws(Problem) -> LinePattern {
        guard (1...LinePattern.bytesMax).contains(text.utf8.count) else { throw Self.noPattern }
        guard isExpression else { return LinePattern(text: text, ignoresCase: ignoresCase) }
        do {
            return try LinePattern(expression: text, ignoresCase: ignoresCase)
        } catch {
            throw Query.problem(
                "q",
                error.message,
                next: "mend the expression, or leave 'regex' out to search for it as it stands"
            )
        }
    }

    /// Takes a place among the searches.
    func enter() throws(Problem) {
        guard self.gate.enter() else {
            throw Problem(
                .overloaded,
                "\(Self.searchesMax) searches are under way",
                next: "send it again in a second",
                fields: [.retryAfter: "1"]
            )
        }
    }

    /// Which lines a query wants.
    static func filter(_ query: inout Query) throws(Problem) -> LogFilter {
        var filter = LogFilter()
        for text in query.list("attempt") {
            guard let attempt = Int64(text), attempt > 0 else {
                throw Query.problem("attempt", "'attempt' is a number from 1")
            }
            filter.attempts.append(attempt)
        }
        for text in query.list("level") {
            guard let level = LogLine.Level(rawValue: text) else {
                let known = LogLine.Level.allCases.map(\.rawValue)
                throw Query.problem(
                    "level",
                    "'\(text.prefix(64))' is no level",
                    next: Suggestion.hint(for: text, among: known)
                )
            }
            filter.levels.append(level)
        }
        filter.sources = query.list("source")
        return filter
    }
}
