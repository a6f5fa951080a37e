// Every metric of the gateway, declared once.

internal import Metrics
internal import PulserIR

/// The module's metrics.
enum GatewayMetrics {
    /// Time from a request's head to the answer's head, per route.
    static func request(_ route: String) -> Timer {
        Timer(label: "ops_gateway_request_seconds", dimensions: [("route", route)])
    }

    /// Requests refused before a handler saw them, by reason.
    static func refused(_ reason: Refusal) -> Counter { Self.refusals[reason] ?? Self.unknown }

    /// Why a request is refused.
    enum Refusal: String, CaseIterable {
        case host
        case origin
        case csrf
        case token
        case failures
        case rate
    }

    private static let unknown = Counter(label: "ops_gateway_refused_total")
    private static let refusals = Dictionary(
        uniqueKeysWithValues: Refusal.allCases.map { reason in
            (
                reason,
                Counter(
                    label: "ops_gateway_refused_total",
                    dimensions: [("reason", reason.rawValue)]
                )
            )
        }
    )

    /// Requests answered, per route and class of status.
    static func requests(_ route: String, _ status: String) -> Counter {
        Counter(
            label: "ops_gateway_requests_total",
            dimensions: [("route", route), ("status", status)]
        )
    }

    /// What was removed because its time was over.
    static func swept(_ kind: Swept) -> Counter { Self.sweeps[kind] ?? Self.unknownSweep }

    /// What is removed when its time is over.
    enum Swept: String, CaseIterable {
        case bulk
        case tokens
        case browserSessions = "browser_sessions"
        case uploads
        case requestKeys = "request_keys"
        case uniqueKeys = "unique_keys"
    }

    private static let unknownSweep = Counter(label: "ops_gateway_swept_total")
    private static let sweeps = Dictionary(
        uniqueKeysWithValues: Swept.allCases.map { kind in
            (kind, Counter(label: "ops_gateway_swept_total", dimensions: [("kind", kind.rawValue)]))
        }
    )

    /// Runs that failed for good and nobody has put aside, as counted last.
    static let dead = Gauge(label: "ops_gateway_dead_runs_count")

    /// Runs that have not ended, as counted last, by status: `queued`, `claimed`, `running`, `waiting`.
    static func open(_ status: RunStatus) -> Gauge {
        Gauge(label: "ops_gateway_open_runs_count", dimensions: [("status", status.rawValue)])
    }

    /// How long the run at the front of its lane or key has been ready that waits longest, as read last.
    static let frontWait = Gauge(label: "ops_gateway_front_wait_seconds")

    // MARK: Event streams

    /// Subscribers of one event loop, whenever their number changes.
    static let streams = Gauge(label: "ops_gateway_streams_count")
    /// Events given to subscribers' streams.
    static let streamEvents = Counter(label: "ops_gateway_stream_events_total")
    /// Bytes given to subscribers' streams.
    static let streamBytes = Counter(label: "ops_gateway_stream_bytes_total")
    /// Subscribers refused because all seats were taken.
    static let streamsRefused = Counter(label: "ops_gateway_streams_refused_total")
    /// Pages of logs read for subscribers and rings.
    static let streamPages = Counter(label: "ops_gateway_stream_pages_total")
    /// Gaps that slow readers were told of.
    static let streamGaps = Counter(label: "ops_gateway_stream_gaps_total")
    /// Commits of other nodes that their relays brought.
    static let relayChunks = Counter(label: "ops_gateway_relay_chunks_total")
    /// Bytes of their events.
    static let relayBytes = Counter(label: "ops_gateway_relay_bytes_total")
    /// Lanes whose events come from the nodes that own them.
    static let relayLanes = Gauge(label: "ops_gateway_relay_lanes_count")

    /// Why the database had to bring what a relay should have.
    enum Fallback: String, CaseIterable {
        /// The relay was slower.
        case late
        /// The owner had not kept it.
        case lost
        /// A call to the owner failed.
        case failed
        /// The owner's build has no relay.
        case unimplemented
    }

    /// Times that a relay was no help, by reason.
    static func relayFallback(_ reason: Fallback) -> Counter {
        Self.relayFallbacks[reason] ?? Self.unknownFallback
    }

    private static let unknownFallback = Counter(label: "ops_gateway_relay_fallbacks_total")
    private static let relayFallbacks = Dictionary(
        uniqueKeysWithValues: Fallback.allCases.map { reason in
            (
                reason,
                Counter(
                    label: "ops_gateway_relay_fallbacks_total",
                    dimensions: [("reason", reason.rawValue)]
                )
            )
        }
    )

    /// Subscribers whose cursor could not be resumed.
    static let streamResets = Counter(label: "ops_gateway_stream_resets_total")
}
