// How a server's refusals and a network's failures read: a sentence, an exit code, what to run next.

import Compiler
import ControlRoom
import HTTP2
import HTTPTypes
import NIOCore
import PulserIR

/// Turns what a server or the way to it says into what a command says.
enum RemoteProblem {
    /// An answer that is no success; its body should be a problem document (RFC 9457).
    static func failure(
        _ head: HTTPResponse,
        _ body: ByteBuffer,
        _ access: ServerAccess
    ) -> Failure {
        let status = head.status.code
        let json = try? JSONValue(parsing: Array(body.readableBytesView))
        guard let json, json["detail"]?.stringValue != nil else {
            return Failure(
                RoomError(
                    status >= 500 ? .unavailable : .failed,
                    "\(access.url) answered \(status) without saying why: is it an opsroom node?",
                    next: "curl -i \(access.url)/healthz"
                )
            )
        }
        var failure = Self.failure(status, json)
        failure.error.next = failure.error.next ?? Self.command(status, access)
        failure.trace = json["trace_id"]?.stringValue
        return failure
    }

    /// A problem document, whoever gave it.
    static func failure(_ status: Int, _ json: JSONValue) -> Failure {
        let advice = json["next"]?.stringValue
        let command = advice.flatMap { Self.isCommand($0) && status != 401 ? $0 : nil }
        var failure = Failure(
            RoomError(Self.code(status), json["detail"]?.stringValue ?? "", next: command)
        )
        // What speaks of paths and bodies is for those who write programs.
        let isForPeople =
            advice.map { !$0.contains("/v1/") && !$0.contains("{") && !$0.contains("GET ") }
            ?? false
        failure.advice = command == nil && isForPeople && status != 401 ? advice : nil
        let findings = json["errors"]?.arrayValue ?? []
        failure.diagnostics = findings.compactMap(Self.diagnostic)
        if failure.diagnostics.isEmpty, json["code"]?.stringValue == "invalid_inputs" {
            failure.problems = findings.compactMap { $0["message"]?.stringValue }
        }
        return failure
    }

    /// Whether advice can be run as it stands.
    private static func isCommand(_ text: String) -> Bool {
        text.wholeMatch(of: /opsroom(?: [A-Za-z0-9._=:\/@'"+-]+)+/) != nil
    }

    /// A finding about a place in a plan.
    static func diagnostic(_ json: JSONValue) -> Diagnostic? {
        guard let message = json["message"]?.stringValue, let line = json["line"]?.integerValue
        else { return nil }
        let severity = json["severity"]?.stringValue.flatMap(Diagnostic.Severity.init(rawValue:))
        return Diagnostic(
            severity: severity ?? .error,
            file: (json["file"] ?? json["field"])?.stringValue ?? "",
            line: Int(line),
            column: json["column"]?.integerValue.map { Int($0) } ?? 1,
            message: message,
            hint: json["hint"]?.stringValue
        )
    }

    /// The exit code of a status.
    static func code(_ status: Int) -> RoomError.Code {
        switch status {
        case 401, 403: .unauthenticated
        case 404, 410: .notFound
        case 409, 412, 428: .conflict
        case 408, 504: .timedOut
        case 400, 405, 406, 413..<429, 431: .usage
        case 429, 502, 503: .unavailable
        default: .failed
        }
    }

    private static func command(_ status: Int, _ access: ServerAccess) -> String? {
        guard status == 401 || status == 403 else { return nil }
        return status == 401 && access.token == nil
            ? "opsroom context add NAME --server \(access.url) --token-file FILE"
            : "opsroom context show --origin"
    }

    /// A failure of the way there.
    static func error(_ error: HTTP2Error, _ access: ServerAccess) -> RoomError {
        switch error.code {
        case .connectFailed:
            RoomError(
                .unavailable,
                "no node answers at \(access.url): \(error.message)",
                next: Self.start(access)
            )
        case .certificate:
            RoomError(
                .unauthenticated,
                "\(access.url) cannot be trusted: \(error.message)",
                next: "opsroom context add \(access.context ?? "NAME") "
                    // What is wrong is the name it is asked for by, or who vouches for it.
                    + (error.message.contains("made out for")
                        ? "--server https://NAME-IN-ITS-CERTIFICATE:\(access.url.port)"
                        : "--server \(access.url) --ca FILE")
            )
        case .timedOut:
            RoomError(.timedOut, "\(access.url) did not answer in time", next: Self.start(access))
        case .cancelled: RoomError(.interrupted, "interrupted")
        case .connectionLost, .streamReset, .refused, .goingAway, .protocolViolation,
            .limitExceeded, .overloaded, .configuration, .bindFailed:
            RoomError(
                .unavailable,
                "the connection to \(access.url) broke: \(error.message)",
                next: Self.start(access)
            )
        }
    }

    /// What brings a node to where none answers.
    private static func start(_ access: ServerAccess) -> String {
        // One of several nodes is not brought back by a room of its own; another one knows more.
        if let other = access.sibling {
            return "opsroom nodes list --context \(ShellWord.quoted(other))"
        }
        return access.startCommand ?? "curl -i \(access.url)/healthz"
    }
}
