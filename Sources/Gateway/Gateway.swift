// The API: its routes over one store, answered for whoever the doorkeeper lets in.

import HTTP2
import HTTPTypes
import Hummingbird
public import Logging
public import Store

/// Answers requests of both protocols.
///
/// Owner: the node's composition. Runs on: a task per request, and ``run()``. Ends: cancellation
/// of ``run()``.
public final class Gateway: Sendable {
    /// What the gateway works with.
    public struct Equipment: Sendable {
        /// Durable state.
        public var store: Store
        /// Says who asks, or that he may not.
        public var doorkeeper: any Doorkeeper
        /// Hears what other processes tell through the database.
        public var listener: @Sendable ([Channel]) -> Listener
        /// The folder of artifacts too large for the database.
        public var artifacts: String
        /// For what a person should see.
        public var logger: Logger

        /// Collects the equipment.
        public init(
            store: Store,
            doorkeeper: any Doorkeeper,
            listener: @escaping @Sendable ([Channel]) -> Listener,
            artifacts: String,
            logger: Logger
        ) {
            self.store = store
            self.doorkeeper = doorkeeper
            self.listener = listener
            self.artifacts = artifacts
            self.logger = logger
        }
    }

    /// Its settings.
    public let configuration: GatewayConfiguration
    /// What it works with.
    public let equipment: Equipment

    /// Prepares a gateway.
    public init(_ configuration: GatewayConfiguration = .init(), _ equipment: Equipment) {
        self.configuration = configuration
        self.equipment = equipment
    }

    /// Does what goes on beside the requests, until cancelled.
    public func run() async {
        await withDiscardingTaskGroup { group in
            group.addTask { await self.equipment.doorkeeper.run() }
        }
    }

    /// The way in for every request; give it to the server as its handler.
    public func door() -> Door {
        let routes = self.routes
        let router = Router(context: GatewayContext.self, options: [.autoGenerateHeadEndpoints])
        router.add(middleware: ProblemMiddleware(routes: routes))
        let doorkeeper = self.equipment.doorkeeper
        for route in routes {
            let metrics = RouteMetrics(route.name)
            router.on(RouterPath(route.path), method: route.method) { request, context in
                try await metrics.measuring {
                    let admission = try await doorkeeper.admit(context.exchange, to: route.scope)
                    var context = context
                    context.principal = admission.principal
                    do {
                        var response = try await route.handler(request, context)
                        response.headers.append(contentsOf: admission.fields)
                        return response
                    } catch {
                        throw Problem(error, fields: admission.fields, context)
                    }
                }
            }
        }
        return Door(responder: router.buildResponder(), logger: self.equipment.logger)
    }
}
