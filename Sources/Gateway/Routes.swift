// Every endpoint on one screen.

import HTTPTypes

extension Gateway {
    /// All routes, in the order of the API's description.
    public var routes: [Route] {
        let problems = ProblemsResource()
        let desk = self.equipment.doorkeeper as? AccessDesk
        let tokens = TokensResource(store: self.equipment.store, desk: desk)
        let browser = BrowserSessionResource(
            store: self.equipment.store,
            desk: desk,
            codes: self.browserCodes
        )
        let health = self.health
        let retention = RetentionResource(
            store: self.equipment.store,
            logger: self.equipment.logger
        )
        let events = EventsResource(hub: self.events, store: self.equipment.store)
        return [
            Route(.get, "/healthz", nil, "health.live", health.live),
            Route(.get, "/readyz", nil, "health.ready", health.ready),
            Route(.get, "/metrics", nil, "health.metrics", health.metrics),
            Route(.get, "/v1/migrations", .read, "health.migrations", health.schema),
            Route(.get, "/v1/retention", .admin, "retention.get", retention.get),
            Route(.patch, "/v1/retention", .admin, "retention.update", retention.update),
            Route(.get, "/v1/me", .read, "me.get", tokens.me),
            Route(.get, "/v1/tokens", .admin, "tokens.list", tokens.list),
            Route(.post, "/v1/tokens", .admin, "tokens.create", tokens.create),
            Route(.get, "/v1/tokens/{id}", .admin, "tokens.get", tokens.get),
            Route(.delete, "/v1/tokens/{id}", .admin, "tokens.revoke", tokens.revoke),
            Route(.post, "/v1/browser-session", nil, "browser_session.create", browser.create),
            Route(.get, "/v1/browser-session", .read, "browser_session.get", browser.get),
            Route(.delete, "/v1/browser-session", .read, "browser_session.end", browser.end),
            Route(.post, "/v1/browser-codes", .read, "browser_codes.create", browser.code),
            Route(.get, "/v1/events", .read, "events.all", events.all),
            Route(.get, "/v1/sessions/{id}/events", .read, "events.session", events.session),
            Route(.get, "/v1/lanes/{id}/events", .read, "events.lane", events.lane),
            Route(.get, "/v1/runs/{id}/events", .read, "events.run", events.run),
            Route(.get, "/v1/problems/{code}", nil, "problems.get", problems.get),
        ] + self.workRoutes + self.pauseRoutes + self.claimRoutes + self.waitRoutes
            + self.scheduleRoutes + self.clusterRoutes + self.evidenceRoutes + self.boardRoutes
    }

    /// The web page.
    var pageRoutes: [Route] {
        let resource = PageResource(page: self.page)
        return [
            Route(.get, "/", nil, "page.root", resource.root),
            Route(.get, "/ui", nil, "page.document", resource.document),
            Route(.get, "/ui/**", nil, "page.paths", resource.document),
            Route(.get, "/assets/{version}/**", nil, "page.asset", resource.asset),
            Route(.get, "/vendor/{name}", nil, "page.vendor", resource.vendor),
        ]
    }

    /// Sessions, lanes, runs and what is done to many of them.
    private var workRoutes: [Route] {
        let store = self.equipment.store
        let sessions = SessionsResource(store: store)
        let lanes = LanesResource(store: store)
        let runs = RunsResource(store, uploads: self.uploadFolder, ends: self.runEnds)
        let bulk = BulkResource(store: store, worker: self.bulkWorker)
        let session = "/v1/sessions/{id}"
        let run = "/v1/runs/{id}"
        return [
            Route(.get, "/v1/sessions", .read, "sessions.list", sessions.list),
            Route(.post, "/v1/sessions", .run, "sessions.create", sessions.create),
            Route(.get, session, .read, "sessions.get", sessions.get),
            Route(.patch, session, .run, "sessions.update", sessions.update),
            Route(.post, "\(session)/complete", .run, "sessions.complete", sessions.complete),
            Route(.post, "\(session)/cancel", .run, "sessions.cancel", sessions.cancel),
            Route(.post, "\(session)/archive", .run, "sessions.archive", sessions.archive),
            Route(.get, "\(session)/lanes", .read, "lanes.list", lanes.list),
            Route(.post, "\(session)/lanes", .run, "lanes.create", lanes.create),
            Route(.get, "\(session)/lanes/{lane}", .read, "lanes.get", lanes.get),
            Route(.patch, "\(session)/lanes/{lane}", .run, "lanes.update", lanes.update),
            Route(.get, "/v1/counts", .read, "runs.counts", runs.counts),
            Route(.get, "/v1/runs", .read, "runs.list", runs.list),
            Route(.post, "/v1/runs", .run, "runs.create", runs.create),
            Route(.post, "/v1/runs/batch", .run, "runs.create_batch", runs.createBatch),
            Route(.get, run, .read, "runs.get", runs.get),
            Route(.patch, run, .run, "runs.update", runs.update),
            Route(.get, "\(run)/steps", .read, "runs.steps", runs.steps),
            Route(.get, "\(run)/children", .read, "runs.children", runs.children),
            Route(.post, "\(run)/cancel", .run, "runs.cancel", runs.cancel),
            Route(.post, "\(run)/retry", .run, "runs.retry", runs.retry),
            Route(.post, "\(run)/pause", .run, "runs.pause", runs.pause),
            Route(.post, "\(run)/resume", .run, "runs.resume", runs.resume),
            Route(.post, "\(run)/snooze", .run, "runs.snooze", runs.snooze),
            Route(.get, "/v1/dead", .read, "dead.list", runs.deadList),
            Route(.get, "/v1/dead/{id}", .read, "dead.get", runs.deadGet),
            Route(.post, "/v1/dead/{id}/redrive", .run, "dead.redrive", runs.redrive),
            Route(.post, "/v1/dead/{id}/discard", .run, "dead.discard", runs.discard),
            Route(.get, "/v1/bulk", .read, "bulk.list", bulk.list),
            Route(.post, "/v1/bulk", .run, "bulk.create", bulk.create),
            Route(.get, "/v1/bulk/{bulk}", .read, "bulk.get", bulk.get),
            Route(.get, "/v1/bulk/{bulk}/runs", .read, "bulk.runs", bulk.items),
            Route(.post, "/v1/bulk/{bulk}/cancel", .run, "bulk.cancel", bulk.cancel),
        ]
    }

    /// Sessions and lanes that take no runs, and limits that lanes share.
    private var pauseRoutes: [Route] {
        let limits = LimitsResource(store: self.equipment.store)
        let sessions = SessionsResource(store: self.equipment.store)
        let lanes = LanesResource(store: self.equipment.store)
        let session = "/v1/sessions/{id}"
        let lane = "\(session)/lanes/{lane}"
        return [
            Route(.post, "\(session)/pause", .run, "sessions.pause", sessions.pause),
            Route(.post, "\(session)/resume", .run, "sessions.resume", sessions.resume),
            Route(.post, "\(lane)/pause", .run, "lanes.pause", lanes.pause),
            Route(.post, "\(lane)/resume", .run, "lanes.resume", lanes.resume),
            Route(.get, "\(lane)/paused-keys", .read, "lanes.paused_keys", lanes.pausedKeys),
            Route(.get, "/v1/limits", .read, "limits.list", limits.list),
            Route(.get, "/v1/limits/{limit}", .read, "limits.get", limits.get),
            Route(.put, "/v1/limits/{limit}", .run, "limits.put", limits.put),
            Route(.delete, "/v1/limits/{limit}", .run, "limits.delete", limits.delete),
        ]
    }

    /// What the web page shows at a glance.
    private var boardRoutes: [Route] {
        let board = BoardResource(store: self.equipment.store)
        let stats = StatsResource(store: self.equipment.store)
        return [
            Route(.get, "/v1/sessions/{id}/board", .read, "sessions.board", board.get),
            Route(.get, "/v1/stats", .read, "stats.get", stats.get),
        ]
    }

    /// Workers outside.
    private var claimRoutes: [Route] {
        let claims = ClaimsResource(store: self.equipment.store)
        let run = "/v1/claims/{id}"
        return [
            Route(.post, "/v1/claims", .work, "claims.create", claims.claim),
            Route(.post, "\(run)/heartbeat", .work, "claims.heartbeat", claims.heartbeat),
            Route(.post, "\(run)/events", .work, "claims.events", claims.events),
            Route(.post, "\(run)/complete", .work, "claims.complete", claims.complete),
            Route(.post, "\(run)/release", .work, "claims.release", claims.release),
        ]
    }

    /// What comes to runs from outside.
    private var waitRoutes: [Route] {
        let runs = RunsResource(self.equipment.store, uploads: self.uploadFolder)
        let waits = WaitsResource(runs)
        let signals = "/v1/runs/{id}/signals"
        let step = "/v1/runs/{id}/steps/{step}"
        return [
            Route(.get, signals, .read, "signals.list", waits.signals),
            Route(.post, signals, .run, "signals.send", waits.send),
            Route(.get, "/v1/approvals", .read, "approvals.list", waits.approvals),
            Route(.post, "\(step)/approve", .run, "approvals.approve", waits.approve),
            Route(.post, "\(step)/reject", .run, "approvals.reject", waits.reject),
            Route(.post, "\(step)/skip", .run, "runs.skip", runs.skip),
        ]
    }

    /// What begins by itself.
    private var scheduleRoutes: [Route] {
        let resource = SchedulesResource(self.equipment.store, zones: self.equipment.zones)
        let one = "/v1/schedules/{schedule}"
        return [
            Route(.get, "/v1/schedules", .read, "schedules.list", resource.list),
            Route(.post, "/v1/schedules", .run, "schedules.create", resource.create),
            Route(.get, one, .read, "schedules.get", resource.get),
            Route(.patch, one, .run, "schedules.update", resource.update),
            Route(.delete, one, .run, "schedules.delete", resource.delete),
            Route(.post, "\(one)/pause", .run, "schedules.pause", resource.pause),
            Route(.post, "\(one)/resume", .run, "schedules.resume", resource.resume),
            Route(.post, "\(one)/trigger", .run, "schedules.trigger", resource.trigger),
            Route(.post, "\(one)/backfill", .run, "schedules.backfill", resource.backfill),
            Route(.get, "\(one)/preview", .read, "schedules.preview", resource.preview),
            Route(.get, "\(one)/runs", .read, "schedules.runs", resource.runs),
        ]
    }

    /// Nodes, shards, and why a run does not run.
    private var clusterRoutes: [Route] {
        let nodes = NodesResource(store: self.equipment.store)
        let cluster = ClusterResource(store: self.equipment.store)
        let node = "/v1/nodes/{node}"
        return [
            Route(.get, "/v1/cluster", .read, "cluster.get", cluster.status),
            Route(.get, "/v1/nodes", .read, "nodes.list", nodes.list),
            Route(.get, node, .read, "nodes.get", cluster.node),
            Route(.post, "\(node)/drain", .admin, "nodes.drain", cluster.drain),
            Route(.post, "\(node)/undrain", .admin, "nodes.undrain", cluster.undrain),
            Route(.post, "\(node)/evict", .admin, "nodes.evict", cluster.evict),
            Route(.get, "/v1/shards", .read, "shards.list", cluster.shards),
            Route(.post, "/v1/shards/move", .admin, "shards.move", cluster.move),
            Route(.post, "/v1/shards/rebalance", .admin, "shards.rebalance", cluster.rebalance),
            Route(.get, "/v1/runs/{id}/why", .read, "runs.why", cluster.why),
        ]
    }

    /// Logs, artifacts, plans and templates.
    private var evidenceRoutes: [Route] {
        let store = self.equipment.store
        let runs = RunsResource(store, uploads: self.uploadFolder)
        let reader = LogReader(store: store, index: self.logIndex)
        let log = LogResource(runs: runs, reader: reader, gate: self.searches)
        let fetch = ArtifactFetch(
            store: store,
            folder: self.uploadFolder,
            peers: self.equipment.artifactPeers,
            readiness: self.equipment.readiness,
            gate: self.fetches,
            logger: self.equipment.logger
        )
        let artifacts = ArtifactsResource(runs: runs, fetch: fetch)
        let uploads = UploadsResource(folder: self.uploadFolder, gate: self.uploads)
        let plans = PlansResource(store: store)
        let templates = TemplatesResource(store: store)
        let template = "/v1/templates/{template}"
        let run = "/v1/runs/{id}"
        return [
            Route(.get, "\(run)/log", .read, "log.page", log.page),
            Route(.get, "\(run)/log/search", .read, "log.search", log.search),
            Route(.get, "\(run)/log/numbers", .read, "log.numbers", log.numbers),
            Route(.get, "\(run)/log/raw", .read, "log.raw", log.raw),
            Route(.get, "\(run)/artifacts", .read, "artifacts.list", artifacts.list),
            Route(.get, "\(run)/artifacts/{name}", .read, "artifacts.get", artifacts.get),
            Route(.post, "/v1/uploads", .run, "uploads.create", uploads.create),
            Route(.get, "/v1/uploads/{digest}", .read, "uploads.get", uploads.get),
            Route(.post, "/v1/plans/check", .read, "plans.check", plans.check),
            Route(.post, "/v1/plans", .run, "plans.create", plans.create),
            Route(.get, "/v1/plans/{digest}", .read, "plans.get", plans.get),
            Route(.get, "/v1/plans/{digest}/graph", .read, "plans.graph", plans.graph),
            Route(.get, "/v1/templates", .read, "templates.list", templates.list),
            Route(.get, template, .read, "templates.get", templates.get),
            Route(.put, template, .run, "templates.put", templates.put),
            Route(.delete, template, .run, "templates.delete", templates.delete),
            Route(.get, "\(template)/versions", .read, "templates.versions", templates.versions),
            Route(.get, "\(template)/source", .read, "templates.source", templates.source),
        ]
    }
}
