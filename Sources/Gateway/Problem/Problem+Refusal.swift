// How the transport's own refusals read: those of requests that no route ever sees.

public import HTTPTypes
public import NIOCore
import PulserIR

extension Problem {
    /// The problem document of a status that the server answers by itself; give it to the server's
    /// settings.
    ///
    /// - Parameter status: The status.
    /// - Returns: The answer's fields and its body.
    @Sendable
    public static func refusal(_ status: HTTPResponse.Status) -> (HTTPFields, ByteBuffer) {
        let problem =
            switch status.code {
            case 405: Problem(.methodNotAllowed, "no path knows the method", next: "use GET")
            case 414: Problem(.uriTooLong, "the path with its query is too long")
            case 431: Problem(.headersTooLarge, "the fields are too large, or too many")
            case 500...: Problem(.internal, "the server failed in a way it does not know")
            default: Problem(.badRequest, "this is no request that HTTP allows")
            }
        let trace = TraceID().description
        let fields: HTTPFields = [
            .contentType: "application/problem+json", .cacheControl: "no-store",
            .xContentTypeOptions: "nosniff", .traceID: trace,
        ]
        return (fields, ByteBuffer(bytes: problem.json(trace: trace).canonicalBytes))
    }
}
