// The API: its routes over one store, answered for whoever the doorkeeper lets in.

import HTTP2
import HTTPTypes
import Hummingbird
public import Logging
public import PulserIR
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
        /// Nodes that have others; `nil` where there is no way to them.
        public var artifactPeers: (any ArtifactPeers)?
        /// The time zones of schedules. Default: UTC alone.
        public var zones = TimeZoneLibrary { name throws(ScheduleError) in
            throw ScheduleError("there is no time zone '\(name)' here", hint: "use 'UTC'")
        }
        /// Whether this node can answer for the room.
        public var readiness = Readiness(migrationsMax: 0)
        /// The schema that this program knows.
        public var migrations: [Migration] = []
        /// What is counted; `nil` when somebody else collects it.
        public var registry: MetricsRegistry?
        /// The web page; `nil` where its files are not found.
        public var page: PageSource?
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
    /// Its event streams; tell them what the node's writer commits.
    public let events: EventHub

    let logIndex = LogIndex()
    let uploads = RequestGate(max: UploadsResource.uploadsMax)
    let fetches = RequestGate(max: ArtifactFetch.fetchesMax)
    let searches = RequestGate(max: LogResource.searchesMax)
    let bulkWorker: BulkWorker
    let runEnds: RunEnds
    let uploadFolder: UploadFolder
    let page: Page?
    let browserCodes = BrowserCodes()

    /// Prepares a gateway.
    public init(_ configuration: GatewayConfiguration = .init(), _ equipment: Equipment) {
        self.configuration = configuration
        self.equipment = equipment
        self.events = EventHub(
            store: equipment.store,
            caps: configuration.streamCaps,
            logger: equipment.logger
        )
        self.bulkWorker = BulkWorker(
            store: equipment.store,
            kept: configuration.bulkKept,
            logger: equipment.logger
        )
        self.runEnds = RunEnds(store: equipment.store)
        self.page = equipment.page.map { Page($0, logger: equipment.logger) }
        self.uploadFolder = UploadFolder(
            blobs: BlobFolder(path: equipment.artifacts),
            kept: configuration.uploadsKept
        )
    }

    /// Does what goes on beside the requests, until cancelled.
    public func run() async {
        await withDiscardingTaskGroup { group in
            group.addTask { await self.equipment.doorkeeper.run() }
            group.addTask { await self.events.run() }
            group.addTask {
                await self.equipment.listener([.events]).run { self.events.heard($0) }
            }
            group.addTask { await self.bulkWorker.run() }
            group.addTask {
                await RunCounter(store: self.equipment.store, logger: self.equipment.logger).run()
            }
            group.addTask { await self.runEnds.run() }
            // Packed before somebody asks.
            group.addTask { _ = self.page?.files }
        }
    }

    var health: HealthResource {
        HealthResource(
            store: self.equipment.store,
            doorkeeper: self.equipment.doorkeeper,
            readiness: self.equipment.readiness,
            migrations: self.equipment.migrations,
            registry: self.equipment.registry,
            isOpenOnLoopback: self.configuration.metricsOpenOnLoopback
        )
    }

    /// All routes, the description of them included.
    public var endpoints: [Route] {
        let name = "openapi.get"
        let path = "/v1/openapi.json"
        var routes = self.routes
        // The description lists itself, so its row is there before it is written.
        let row = Route(.get, path, nil, name) { _, _ in .empty() }
        let resource = OpenAPIResource(OpenAPIDocument(routes: routes + [row]))
        routes.append(Route(.get, path, nil, name, resource.get))
        return routes
    }

    /// The node goes away: streams are told where to go on, no new ones are begun.
    public func drain() async {
        self.equipment.readiness.drain()
        self.runEnds.drain()
        await self.events.drain()
    }

    /// The way in for every request; give it to the server as its handler.
    public func door() -> Door {
        let routes = self.endpoints + self.pageRoutes
        let router = Router(context: GatewayContext.self, options: [.autoGenerateHeadEndpoints])
        router.add(middleware: ProblemMiddleware(routes: routes))
        let doorkeeper = self.equipment.doorkeeper
        for route in routes {
            let metrics = RouteMetrics(route.name)
            let taken = route.isPage ? nil : OperationCatalog.queryNames(of: route.name)
            router.on(RouterPath(route.path), method: route.method) { request, context in
                try await metrics.measuring {
                    let admission = try await doorkeeper.admit(context.exchange, to: route.scope)
                    var context = context
                    context.principal = admission.principal
                    do {
                        if let taken { try Query.check(request, takes: taken) }
                        var response = try await route.handler(request, context)
                        response.headers.append(contentsOf: admission.fields)
                        context.stream.note(response.body)
                        let principal = admission.principal
                        context.stream.license { doorkeeper.isLive(principal) }
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
