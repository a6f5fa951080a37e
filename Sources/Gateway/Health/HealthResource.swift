// What machines ask about this node: does it live, is it ready, what does it count, which schema has it.

import HTTP2
import HTTPTypes
import Hummingbird
import NIOCore
import PulserIR
import Store

/// `/healthz`, `/readyz` and `/metrics`.
struct HealthResource: Sendable {
    let store: Store
    let doorkeeper: any Doorkeeper
    let readiness: Readiness
    let migrations: [Migration]
    let registry: MetricsRegistry?
    let isOpenOnLoopback: Bool

    /// The process answers.
    @Sendable
    func live(_ request: Request, _ context: GatewayContext) async throws -> Response {
        .json(.object(["status": "ok"]))
    }

    /// Everything that must be right, and 503 while something is not.
    @Sendable
    func ready(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let checks = await self.readiness.checks(self.store)
        let isReady = checks.allSatisfy { $0.reason == nil }
        return .json(
            .object([
                "status": .string(isReady ? "ready" : "not_ready"),
                "checks": .array(
                    checks.map { check in
                        .object([
                            "name": .string(check.name),
                            "ok": .bool(check.reason == nil),
                            "reason": check.reason.map { .string($0) } ?? .null,
                        ])
                    }
                ),
            ]),
            status: isReady ? .ok : .serviceUnavailable,
            fields: isReady ? [:] : [.retryAfter: "1"]
        )
    }

    /// This program's migrations beside those of the database.
    @Sendable
    func schema(_ request: Request, _ context: GatewayContext) async throws -> Response {
        try Query(request).finish()
        let statuses = try await self.store.migrations(self.migrations)
        return .json(
            .object([
                "version": .integer(1),
                "migrations": .array(
                    statuses.map {
                        .object(["name": .string($0.name), "state": .string($0.state.rawValue)])
                    }
                ),
            ])
        )
    }

    /// Everything counted, for Prometheus.
    @Sendable
    func metrics(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let isLocal = context.exchange.origin.address?.isLoopback ?? true
        if !(self.isOpenOnLoopback && isLocal) {
            _ = try await self.doorkeeper.admit(context.exchange, to: .read)
        }
        let text = (self.registry.map(MetricsText.write) ?? "") + ProcessNumbers.text()
        return Response(
            status: .ok,
            headers: [.contentType: MetricsText.contentType],
            body: ResponseBody(byteBuffer: ByteBuffer(string: text))
        )
    }
}

extension SocketAddress {
    /// Whether it is of this machine's own.
    var isLoopback: Bool {
        switch self.protocol {
        case .inet: self.ipAddress?.hasPrefix("127.") ?? false
        case .inet6: self.ipAddress == "::1" || self.ipAddress?.hasPrefix("::ffff:127.") ?? false
        default: true
        }
    }
}
