// How a stream is asked for, and what its frames look like when they are cut out of it.

/// The form of an event stream.
enum StreamForm: String, Sendable, CaseIterable {
    case serverSentEvents = "sse"
    case lines = "ndjson"
    case binary

    /// What `Accept` says.
    var accept: String {
        switch self {
        case .serverSentEvents: "text/event-stream"
        case .lines: "application/x-ndjson"
        case .binary: "application/x-opsroom-frames"
        }
    }
}

/// One frame of a stream; its bytes live only during the call that gives it.
enum StreamFrame {
    /// An event of a lane's log, as JSON that begins with its lane.
    case event(UnsafeRawBufferPointer)
    /// Anything else: its name, and what it says as JSON.
    case other(name: String, UnsafeRawBufferPointer)
}
