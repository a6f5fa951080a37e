// The limits a peer can run into: the closed set behind one metric.

/// A limit that was reached.
enum LimitName: String, Sendable, CaseIterable {
    case connections
    case connectionsPerAddress = "connections_per_address"
    case acceptRate = "accept_rate"
    case glitches
    case controlFrames = "control_frames"
    case windowUpdates = "window_updates"
    case emptyData = "empty_data"
    case overhead
    case queuedFrames = "queued_frames"
    case headerList = "header_list"
    case requestLine = "request_line"
    case tasks
    case requests
    case prefaceTimeout = "preface_timeout"
    case settingsTimeout = "settings_timeout"
    case headerTimeout = "header_timeout"
    case bodyRate = "body_rate"
    case writeTimeout = "write_timeout"
    case idleTimeout = "idle_timeout"
    case requestTimeout = "request_timeout"
    case pingTimeout = "ping_timeout"
    case protocolError = "protocol_error"
}
