// The one form of every error the API answers: RFC 9457, with a code, a next step and the trace id.

public import HTTPTypes
public import Hummingbird
import Logging
public import PulserIR

/// A failure as the caller is told.
public struct Problem: Error, Sendable, CustomStringConvertible {
    /// One of several things that are wrong.
    public struct Finding: Sendable, Hashable {
        /// What is wrong.
        public var message: String
        /// Where: a field of the body or a parameter, as a JSON pointer or its name.
        public var field: String?
        /// Where in a plan: the line, from 1.
        public var line: Int?
        /// The column, from 1.
        public var column: Int?
        /// How to put it right.
        public var hint: String?

        /// Describes something wrong.
        public init(
            _ message: String,
            field: String? = nil,
            line: Int? = nil,
            column: Int? = nil,
            hint: String? = nil
        ) {
            self.message = message
            self.field = field
            self.line = line
            self.column = column
            self.hint = hint
        }
    }

    /// What kind of failure it is.
    public var code: Code
    /// What failed: one sentence.
    public var detail: String
    /// What to do about it: one sentence; `nil` means what the code says.
    public var next: String?
    /// Everything that is wrong, where it is more than one sentence.
    public var errors: [Finding] = []
    /// Further members of the document.
    public var members: [String: JSONValue] = [:]
    /// Fields of the answer, such as `allow` or `retry-after`.
    public var fields: HTTPFields = [:]
    /// What is behind it, for the log alone.
    var cause: (any Error)?

    /// Makes a problem.
    public init(
        _ code: Code,
        _ detail: String,
        next: String? = nil,
        errors: [Finding] = [],
        fields: HTTPFields = [:]
    ) {
        self.code = code
        self.detail = detail
        self.next = next
        self.errors = errors
        self.fields = fields
    }

    /// The status it is answered with.
    public var status: Int { self.code.status }

    /// What failed.
    public var description: String { self.detail }

    /// The document.
    ///
    /// - Parameter trace: The trace id of the request.
    /// - Returns: The members of RFC 9457, and ours.
    public func json(trace: String) -> JSONValue {
        var members: [String: JSONValue] = [
            "type": .string("/v1/problems/\(self.code.rawValue)"),
            "title": .string(self.code.title),
            "status": .integer(Int64(self.status)),
            "code": .string(self.code.rawValue),
            "detail": .string(self.detail),
            "next": .string(self.next ?? self.code.next),
            "trace_id": .string(trace),
        ]
        members.merge(self.members) { known, _ in known }
        if !self.errors.isEmpty { members["errors"] = .array(self.errors.map(\.json)) }
        return .object(members)
    }

    /// The answer.
    ///
    /// - Parameter context: Of the request.
    /// - Returns: The answer, fields included.
    public func response(_ context: GatewayContext) -> Response {
        self.log(context)
        var response = Response.json(
            self.json(trace: context.trace.description),
            status: HTTPResponse.Status(integerLiteral: self.status),
            fields: self.fields
        )
        response.headers[.contentType] = "application/problem+json"
        return response
    }

    /// What the caller cannot mend somebody else must hear of.
    private func log(_ context: GatewayContext) {
        guard self.code == .internal else { return }
        context.logger.error(
            "request failed",
            metadata: [
                "trace": "\(context.trace)",
                "route": "\(context.endpointPath ?? "none")",
                "error": "\(self.cause.map { "\($0)" } ?? self.detail)",
            ]
        )
    }
}

extension Problem.Finding {
    /// Its members.
    public var json: JSONValue {
        var members: [String: JSONValue] = ["message": .string(self.message)]
        members["field"] = self.field.map { .string($0) }
        members["line"] = self.line.map { .integer(Int64($0)) }
        members["column"] = self.column.map { .integer(Int64($0)) }
        members["hint"] = self.hint.map { .string($0) }
        return .object(members)
    }
}
