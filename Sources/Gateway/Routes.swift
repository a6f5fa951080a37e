// Every endpoint on one screen.

import HTTPTypes

extension Gateway {
    /// All routes, in the order of the API's description.
    public var routes: [Route] {
        let problems = ProblemsResource()
        let desk = self.equipment.doorkeeper as? AccessDesk
        let tokens = TokensResource(store: self.equipment.store, desk: desk)
        let browser = BrowserSessionResource(store: self.equipment.store, desk: desk)
        let health = self.health
        let events = EventsResource(hub: self.events)
        return [
            Route(.get, "/healthz", nil, "health.live", health.live),
            Route(.get, "/readyz", nil, "health.ready", health.ready),
            Route(.get, "/metrics", nil, "health.metrics", health.metrics),
            Route(.get, "/v1/me", .read, "me.get", tokens.me),
            Route(.get, "/v1/tokens", .admin, "tokens.list", tokens.list),
            Route(.post, "/v1/tokens", .admin, "tokens.create", tokens.create),
            Route(.get, "/v1/tokens/{id}", .admin, "tokens.get", tokens.get),
            Route(.delete, "/v1/tokens/{id}", .admin, "tokens.revoke", tokens.revoke),
            Route(.post, "/v1/browser-session", nil, "browser_session.create", browser.create),
            Route(.delete, "/v1/browser-session", .read, "browser_session.end", browser.end),
            Route(.get, "/v1/events", .read, "events.all", events.all),
            Route(.get, "/v1/sessions/{id}/events", .read, "events.session", events.session),
            Route(.get, "/v1/lanes/{id}/events", .read, "events.lane", events.lane),
            Route(.get, "/v1/runs/{id}/events", .read, "events.run", events.run),
            Route(.get, "/v1/problems/{code}", nil, "problems.get", problems.get),
        ]
    }
}
