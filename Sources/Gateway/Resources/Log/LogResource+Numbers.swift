// `/v1/runs/{run}/log/numbers`: how many lines there are, how many are wanted, and which.

import Hummingbird
import PulserIR
import Store

extension LogResource {
    /// The numbers of the lines that a filter and a search want, as ranges.
    @Sendable
    func numbers(_ request: Request, _ context: GatewayContext) async throws -> Response {
        var query = try Query(request)
        let text = try query.text("q")
        let isExpression = try query.bool("regex") ?? false
        let ignoresCase = try query.bool("ignore_case") ?? true
        let from = try query.integer("from", in: 1...Int64.max - 1) ?? 1
        let filter = try Self.filter(&query)
        try query.finish()
        var pattern: LinePattern?
        if let text {
            pattern = try Self.pattern(text, isExpression: isExpression, ignoresCase: ignoresCase)
        }
        let row = try await self.runs.run(context)
        try self.enter()
        defer { self.gate.leave() }
        let numbers = try await self.reader.numbers(row, pattern, from: from, filter: filter)
        return .json(
            .object([
                "version": .integer(1), "run": .string(row.id.description),
                "total": .integer(numbers.total), "hits": .integer(numbers.hits),
                "ranges": .array(
                    numbers.ranges.map {
                        .array([.integer($0.lowerBound), .integer($0.upperBound)])
                    }
                ),
                "is_more": .bool(numbers.next != nil),
                "next": numbers.next.map { .integer($0) } ?? .null,
            ])
        )
    }
}
