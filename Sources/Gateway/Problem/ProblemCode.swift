// Every kind of failure the API can answer, with its status: stable, because programs branch on it.

extension Problem {
    /// What kind of failure it is.
    public enum Code: String, Sendable, Hashable, CaseIterable {
        case badRequest = "bad_request"
        case invalidJSON = "invalid_json"
        case invalidParameter = "invalid_parameter"
        case invalidBody = "invalid_body"
        case invalidPlan = "invalid_plan"
        case invalidInputs = "invalid_inputs"
        case unauthenticated = "unauthenticated"
        case forbidden = "forbidden"
        case csrf = "csrf"
        case originNotAllowed = "origin_not_allowed"
        case notFound = "not_found"
        case methodNotAllowed = "method_not_allowed"
        case notAcceptable = "not_acceptable"
        case timedOut = "timed_out"
        case tooCostly = "too_costly"
        case conflict = "conflict"
        case idempotencyConflict = "idempotency_conflict"
        case gone = "gone"
        case preconditionFailed = "precondition_failed"
        case bodyTooLarge = "body_too_large"
        case unsupportedMediaType = "unsupported_media_type"
        case rangeNotSatisfiable = "range_not_satisfiable"
        case hostNotAllowed = "host_not_allowed"
        case preconditionRequired = "precondition_required"
        case rateLimited = "rate_limited"
        case headersTooLarge = "headers_too_large"
        case uriTooLong = "uri_too_long"
        case `internal` = "internal"
        case unavailable = "unavailable"
        case draining = "draining"
        case overloaded = "overloaded"

        /// The status it is answered with.
        public var status: Int {
            switch self {
            case .badRequest, .invalidJSON, .invalidParameter: 400
            case .invalidBody, .invalidPlan, .invalidInputs: 422
            case .unauthenticated: 401
            case .forbidden, .csrf, .originNotAllowed: 403
            case .notFound: 404
            case .methodNotAllowed: 405
            case .notAcceptable: 406
            case .timedOut: 408
            case .tooCostly: 422
            case .conflict, .idempotencyConflict: 409
            case .gone: 410
            case .preconditionFailed: 412
            case .bodyTooLarge: 413
            case .unsupportedMediaType: 415
            case .rangeNotSatisfiable: 416
            case .hostNotAllowed: 421
            case .preconditionRequired: 428
            case .rateLimited: 429
            case .headersTooLarge: 431
            case .uriTooLong: 414
            case .internal: 500
            case .unavailable, .draining, .overloaded: 503
            }
        }

        /// The kind in few words, the same for every occurrence.
        public var title: String {
            switch self {
            case .badRequest: "The request cannot be understood"
            case .invalidJSON: "The body is not JSON"
            case .invalidParameter: "A parameter is not usable"
            case .invalidBody: "The body does not fit"
            case .invalidPlan: "The plan has errors"
            case .invalidInputs: "The inputs do not fit the plan"
            case .unauthenticated: "A token is needed"
            case .forbidden: "The token does not allow this"
            case .csrf: "The request lacks the session's second token"
            case .originNotAllowed: "The page that sent this is not allowed to"
            case .notFound: "There is no such thing"
            case .methodNotAllowed: "This path does not know the method"
            case .notAcceptable: "None of the accepted forms can be given"
            case .timedOut: "It took too long"
            case .tooCostly: "The question is too large to be answered in time"
            case .conflict: "Something else is in the way"
            case .idempotencyConflict: "The idempotency key was used for another request"
            case .gone: "It is not kept any more"
            case .preconditionFailed: "It was changed by somebody else"
            case .bodyTooLarge: "The body is too large"
            case .unsupportedMediaType: "The body's type is not supported"
            case .rangeNotSatisfiable: "The range lies outside"
            case .hostNotAllowed: "This server does not answer for that host name"
            case .preconditionRequired: "An If-Match field is needed"
            case .rateLimited: "Too many requests"
            case .headersTooLarge: "The request's fields are too large"
            case .uriTooLong: "The request's line is too long"
            case .internal: "The server failed"
            case .unavailable: "The server cannot do this now"
            case .draining: "This node is going away"
            case .overloaded: "Too much is asked at once"
            }
        }

        /// What to do about it where the occurrence says nothing better.
        public var next: String {
            switch self {
            case .badRequest, .invalidJSON, .invalidBody, .invalidParameter, .notAcceptable:
                "/v1/openapi.json describes what this path takes"
            case .invalidPlan: "POST /v1/plans/check tells everything that is wrong with it"
            case .invalidInputs: "give inputs as the plan declares them: GET /v1/plans/DIGEST"
            case .unauthenticated: "send a token as 'authorization: Bearer TOKEN'"
            case .forbidden: "GET /v1/me tells what the token may; another one may do more"
            case .csrf: "send x-csrf-token as GET /v1/me tells it, from a page of this server"
            case .originNotAllowed: "name the origin in OPSROOM_ORIGINS of the node"
            case .hostNotAllowed: "name the host in OPSROOM_HOSTS of the node"
            case .notFound: "/v1/openapi.json lists the paths, and the lists say what there is"
            case .methodNotAllowed: "use one of the methods in the allow field"
            case .timedOut, .unavailable, .draining, .overloaded: "send it again in a second"
            case .tooCostly:
                "narrow it by a time range, a session, a lane or a status; a narrow one may be "
                    + "sent again later"
            case .conflict: "GET it again: it is not as this request needs it"
            case .idempotencyConflict: "use a new key for a new request, such as a UUID"
            case .gone: "GET /v1/runs/ID tells what is left of it"
            case .preconditionFailed: "GET it again, and make the change to what it is now"
            case .preconditionRequired: "send the etag of the answer that was edited as if-match"
            case .bodyTooLarge: "send less; /v1/uploads takes large files"
            case .unsupportedMediaType: "send it with 'content-type: application/json'"
            case .rangeNotSatisfiable: "content-range tells the size"
            case .rateLimited: "wait as long as retry-after says"
            case .headersTooLarge: "send fewer and shorter fields"
            case .uriTooLong: "send less in the path and the query"
            case .internal: "look for the trace id in the node's log"
            }
        }
    }
}
