// How every error of the modules below reads to a caller; nothing of the inside gets out.

public import Compiler
public import HTTP2
import HTTPTypes
import Hummingbird
import NIOCore
public import PulserIR
public import Store

extension Problem {
    /// Any error in the API's words.
    public init(_ error: any Error) {
        switch error {
        case let error as Problem: self = error
        case let error as StoreError: self.init(error)
        case let error as DeskError: self.init(error)
        case let error as WaitError: self.init(error)
        case let error as CompileError: self.init(error)
        case let error as InputError: self.init(error)
        case let error as HTTP2Error: self.init(error)
        case let error as HTTPError: self.init(error)
        case is CancellationError:
            self.init(
                .unavailable,
                "the request was broken off",
                next: "send it again"
            )
        case is NIOTooManyBytesError: self.init(.bodyTooLarge, "the body is too large")
        default:
            self.init(
                .internal,
                "the server failed in a way it does not know",
                next: "look for the trace id in the node's log"
            )
            self.cause = error
        }
    }

    /// An error of a handler, with the fields that its answer would have had.
    init(_ error: any Error, fields: HTTPFields, _ context: GatewayContext) {
        self.init(error)
        for field in fields where self.fields[field.name] == nil { self.fields.append(field) }
    }

    /// The store's error.
    public init(_ error: StoreError) {
        switch error.code {
        case .unavailable:
            self.init(
                .unavailable,
                error.hindrance.map { "the database cannot do this now: \($0.phrase)" }
                    ?? "the database cannot be reached now",
                next: "try again in a second; /readyz says when it is back",
                fields: [.retryAfter: "1"]
            )
        case .notFound: self.init(.notFound, error.message)
        case .conflict, .stale: self.init(.conflict, error.message)
        case .tooCostly: self.init(.tooCostly, error.message)
        case .ambiguous: self.init(.invalidParameter, error.message, next: "give the whole id")
        case .cancelled: self.init(CancellationError())
        case .migration:
            self.init(
                .unavailable,
                "the database's schema is not this program's",
                next: "opsroom migrate status"
            )
        case .corrupt, .server:
            self.init(
                .internal,
                "the database gave an answer that cannot be used",
                next: "look for the trace id in the node's log"
            )
        }
        self.cause = error
    }

    /// A plan's errors.
    public init(_ error: CompileError) {
        let count = error.diagnostics.count
        self.init(
            .invalidPlan,
            count == 1 ? "the plan has an error" : "the plan has \(count) errors",
            next: "mend what errors lists, then send it again",
            errors: error.diagnostics.map {
                Finding(
                    $0.message,
                    field: $0.file,
                    line: $0.line,
                    column: $0.column,
                    hint: $0.hint
                )
            }
        )
    }

    /// What is wrong with inputs.
    public init(_ error: InputError) {
        self.init(
            .invalidInputs,
            error.problems.first ?? "the inputs do not fit the plan",
            next: "give inputs as the plan declares them",
            errors: error.problems.map { Finding($0) }
        )
    }

    /// The transport's error: nobody may be there to read it.
    public init(_ error: HTTP2Error) {
        switch error.code {
        case .limitExceeded: self.init(.bodyTooLarge, error.message)
        case .timedOut: self.init(.timedOut, error.message, next: "send it again")
        case .overloaded: self.init(.overloaded, error.message, fields: [.retryAfter: "1"])
        case .connectFailed, .connectionLost, .streamReset, .refused, .goingAway,
            .protocolViolation, .cancelled, .configuration, .bindFailed, .certificate:
            self.init(.unavailable, "the request was broken off", next: "send it again")
        }
        self.cause = error
    }

    /// The router's error.
    init(_ error: HTTPError) {
        let detail = error.body ?? "the request cannot be answered"
        switch error.status.code {
        case 404: self.init(.notFound, detail)
        case 413: self.init(.bodyTooLarge, detail)
        case 415: self.init(.unsupportedMediaType, detail)
        case 400..<500: self.init(.badRequest, detail)
        default:
            self.init(.internal, "the server failed in a way it does not know")
            self.cause = error
        }
    }
}
