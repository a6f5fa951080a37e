// Lets requests in by token or cookie: from memory when it can, from the database when it must.

public import HTTP2
import HTTPTypes
public import Logging
import Metrics
public import Store
import Synchronization

/// The doorkeeper that knows tokens.
///
/// Owner: Gateway. Runs on: the request's task, and ``run()``. Ends: cancellation of ``run()``.
public final class AccessDesk: Doorkeeper {
    /// Sweeps of request keys a minute: 8,000 keyed requests a second are kept up with.
    private static let keySweepsMax = 50

    let store: Store
    let configuration: AccessConfiguration
    private let hosts: HostPolicy
    private let logger: Logger
    private let state: Mutex<State>

    private struct State: Sendable {
        var cache: AccessCache
        var peers: PeerLimiter
    }

    /// Prepares a desk over a store.
    public init(store: Store, configuration: AccessConfiguration = .init(), logger: Logger) {
        self.store = store
        self.configuration = configuration
        self.logger = logger
        self.hosts = HostPolicy(names: configuration.hostNames)
        self.state = Mutex(
            State(
                cache: AccessCache(
                    entriesMax: configuration.cachedMax,
                    outageMax: configuration.outageMax
                ),
                peers: PeerLimiter(
                    RateBucketMachine.Rate(
                        perSecond: 1.0 / 6,
                        burst: Double(configuration.failuresBurst)
                    ),
                    peersMax: configuration.peersMax
                )
            )
        )
    }

    // MARK: Letting in

    /// Says who asks.
    ///
    /// - Parameters:
    ///   - exchange: The request.
    ///   - scope: What the route asks for.
    /// - Returns: Who it is.
    /// - Throws: `hostNotAllowed`, `originNotAllowed`, `unauthenticated`, `csrf`, `forbidden`,
    ///   `rateLimited`, `unavailable`.
    public func admit(
        _ exchange: any ServerExchange,
        to scope: Principal.Scope?
    ) async throws(Problem) -> Admission {
        try self.checkSender(exchange)
        guard let scope else { return Admission(.nobody) }
        let credential = Credential(exchange)
        let key: AccessCache.Key
        let principal: Principal
        switch credential {
        case .none: throw Self.unauthenticated(nil)
        case .broken: throw self.failure(exchange)
        case .token(let token):
            key = .token(token.id)
            principal = try await self.principal(token, exchange)
        case .cookie(let secret):
            try self.checkBrowser(exchange, secret)
            let hash = TokenText.hash(secret.utf8)
            key = .session(hash)
            principal = try await self.principal(session: hash, exchange)
        }
        let fields = try self.spend(key)
        guard let own = principal.scope, own >= scope else {
            throw Problem(
                .forbidden,
                "the token '\(principal.name)' does not allow this: it has the scope "
                    + "\(principal.scope?.rawValue ?? "none"), this needs \(scope.rawValue)",
                next: "opsroom tokens create NAME --scope \(scope.rawValue)",
                fields: fields
            )
        }
        return Admission(principal, fields: fields)
    }

    /// Whether somebody who opened a stream may still have it: his token lives, and so does the
    /// browser's session he came with.
    public func isLive(_ principal: Principal) -> Bool {
        guard let token = principal.token else { return true }
        return self.state.withLock { state in
            let now = ContinuousClock.now
            let isLive = state.cache.isLive(.token(token), at: now)
            guard let session = principal.session else { return isLive }
            return state.cache.isLive(.session(session), at: now) && isLive
        }
    }

    /// Who a token is.
    ///
    /// - Throws: `unauthenticated`, `rateLimited` after many failures, `unavailable`.
    func principal(
        _ token: TokenText,
        _ exchange: any ServerExchange
    ) async throws(Problem) -> Principal {
        let key = AccessCache.Key.token(token.id)
        if let known = self.state.withLock({ $0.cache.use(key, at: .now) }) {
            guard TokenText.isSame(known.secretHash, token.secretHash) else {
                throw self.failure(exchange)
            }
            return known.principal
        }
        try self.checkFailures(exchange)
        let found: LiveToken?
        do {
            found = try await self.store.liveTokens([token.id]).first
        } catch {
            throw Problem(error)
        }
        guard let found, TokenText.isSame(found.secretHash, token.secretHash),
            let principal = Principal(found)
        else { throw self.failure(exchange) }
        self.remember(key, principal, found)
        return principal
    }

    /// Who the token with this public half is, shown or not; `nil` when it is over.
    ///
    /// - Throws: `unavailable`.
    func principal(live id: String) async throws(Problem) -> Principal? {
        let found: LiveToken?
        do {
            found = try await self.store.liveTokens([id]).first
        } catch {
            throw Problem(error)
        }
        guard let found, let principal = Principal(found) else { return nil }
        self.remember(.token(id), principal, found)
        return principal
    }

    private func principal(
        session hash: [UInt8],
        _ exchange: any ServerExchange
    ) async throws(Problem) -> Principal {
        let key = AccessCache.Key.session(hash)
        if let known = self.state.withLock({ $0.cache.use(key, at: .now) }) {
            return known.principal
        }
        try self.checkFailures(exchange)
        let found: LiveBrowserSession?
        do {
            found = try await self.store.liveBrowserSessions([hash], self.configuration.sessions)
                .first
        } catch {
            throw Problem(error)
        }
        guard let found, let principal = Principal(found) else {
            throw self.failure(exchange)
        }
        self.remember(key, principal, found.token)
        return principal
    }

    private func remember(_ key: AccessCache.Key, _ principal: Principal, _ token: LiveToken) {
        let now = ContinuousClock.now
        let rate = RateBucketMachine.Rate(
            perSecond: Double(self.configuration.requestsPerSecond),
            burst: Double(self.configuration.requestsBurst)
        )
        let entry = AccessCache.Entry(
            principal: principal,
            secretHash: token.secretHash,
            endsAt: token.timeLeft.map { now + $0 },
            confirmedAt: now,
            usedAt: now,
            bucket: self.configuration.requestsPerSecond > 0
                ? RateBucketMachine(rate, at: now) : nil
        )
        self.state.withLock { $0.cache.put(key, entry) }
    }

    /// Forgets a token or session that has just been ended here.
    func forget(_ key: AccessCache.Key) {
        self.state.withLock { $0.cache.end(key, at: .now) }
    }

    // MARK: Refusing

    /// A request for another host, or from another site's page, is refused whoever sends it.
    private func checkSender(_ exchange: any ServerExchange) throws(Problem) {
        let request = exchange.request
        guard self.hosts.allows(request.authority, isTLS: exchange.origin.isTLS) else {
            GatewayMetrics.refused(.host).increment()
            throw Problem(
                .hostNotAllowed,
                "this server does not answer for the host name of the request",
                next: "name it in OPSROOM_HOSTS, or use localhost or the address"
            )
        }
        guard let origin = request.headerFields[.origin] else { return }
        guard
            HostPolicy.isSame(
                origin: origin,
                authority: request.authority,
                isTLS: exchange.origin.isTLS
            )
                || self.configuration.origins.contains(origin)
        else {
            GatewayMetrics.refused(.origin).increment()
            throw Problem(
                .originNotAllowed,
                "pages of that origin may not ask this server",
                next: "name it in OPSROOM_ORIGINS"
            )
        }
    }

    /// A cookie is sent by the browser whoever wrote the page; only a page of ours may use it.
    private func checkBrowser(_ exchange: any ServerExchange, _ secret: String) throws(Problem) {
        let request = exchange.request
        let isSafe = request.method == .get || request.method == .head
        if let site = request.headerFields[.secFetchSite] {
            guard site == "same-origin" || (site == "none" && isSafe) else {
                GatewayMetrics.refused(.csrf).increment()
                throw Problem(.csrf, "the request was sent by a page of another site")
            }
        }
        if isSafe { return }
        let given = Array((request.headerFields[.csrfToken] ?? "").utf8)
        guard TokenText.isSame(given, Array(Credential.csrf(secret).utf8)) else {
            GatewayMetrics.refused(.csrf).increment()
            throw Problem(
                .csrf,
                "the x-csrf-token field is not that of the session",
                next: "GET /v1/me tells it"
            )
        }
    }

    /// Too many failures of one address keep it from trying more.
    func checkFailures(_ exchange: any ServerExchange) throws(Problem) {
        let peer = PeerLimiter.key(exchange.origin.address)
        guard self.state.withLock({ $0.peers.mayTry(peer, at: .now) }) else {
            GatewayMetrics.refused(.failures).increment()
            throw Problem(
                .rateLimited,
                "too many attempts with tokens that are not valid came from this address",
                next: "wait 6 s",
                fields: [.retryAfter: "6"]
            )
        }
    }

    /// Notes a failed proof and says so.
    func failure(_ exchange: any ServerExchange) -> Problem {
        let peer = PeerLimiter.key(exchange.origin.address)
        self.state.withLock { $0.peers.failed(peer, at: .now) }
        GatewayMetrics.refused(.token).increment()
        return Self.unauthenticated("invalid_token")
    }

    private static func unauthenticated(_ error: String?) -> Problem {
        Problem(
            .unauthenticated,
            error == nil
                ? "this needs a token" : "the token is not valid: unknown, expired or revoked",
            next: "opsroom tokens create NAME, then send it as 'authorization: Bearer TOKEN'",
            fields: [
                .wwwAuthenticate: "Bearer realm=\"opsroom\""
                    + (error.map { ", error=\"\($0)\"" } ?? "")
            ]
        )
    }

    /// Takes one request from the rate.
    func spend(_ key: AccessCache.Key) throws(Problem) -> HTTPFields {
        guard let decision = self.state.withLock({ $0.cache.take(key, at: .now) }) else {
            return [:]
        }
        let burst = self.configuration.requestsBurst
        let window = max(1, burst / max(1, self.configuration.requestsPerSecond))
        var fields: HTTPFields = [
            .rateLimitPolicy: "\"token\";q=\(burst);w=\(window)",
            .rateLimit: "\"token\";r=\(decision.remaining);t=\(decision.secondsToFull)",
        ]
        if decision.isAllowed { return fields }
        GatewayMetrics.refused(.rate).increment()
        fields[.retryAfter] = "\(decision.secondsToRetry)"
        throw Problem(
            .rateLimited,
            "this token sends more than \(self.configuration.requestsPerSecond) requests a second",
            next: "wait \(decision.secondsToRetry) s",
            fields: fields
        )
    }

    // MARK: Running

    /// Compares what is in memory with the database and writes uses down, until cancelled.
    public func run() async {
        var savedAt = ContinuousClock.now
        while !Task.isCancelled {
            try? await Task.sleep(for: self.configuration.refreshInterval)
            if Task.isCancelled { return }
            await self.refresh()
            guard ContinuousClock.now - savedAt >= self.configuration.usageInterval else {
                continue
            }
            savedAt = .now
            await self.saveUses()
        }
    }

    /// Asks the database who of those in memory is still to be let in.
    private func refresh() async {
        let (tokens, sessions) = self.state.withLock { $0.cache.pending() }
        do throws(StoreError) {
            var live: [AccessCache.Key: (principal: Principal, timeLeft: Duration?)] = [:]
            if !tokens.isEmpty {
                for token in try await self.store.liveTokens(tokens) {
                    guard let principal = Principal(token) else { continue }
                    live[.token(token.id)] = (principal, token.timeLeft)
                }
            }
            if !sessions.isEmpty {
                let found = try await self.store.liveBrowserSessions(
                    sessions,
                    self.configuration.sessions
                )
                for session in found {
                    guard let principal = Principal(session) else { continue }
                    live[.session(session.secretHash)] = (principal, session.token.timeLeft)
                }
            }
            let asked =
                tokens.map { AccessCache.Key.token($0) }
                + sessions.map { AccessCache.Key.session($0) }
            self.state.withLock { $0.cache.confirm(asked: asked, live: live, at: .now) }
        } catch {
            // The database is away: what is in memory holds for `outageMax`.
            self.logger.debug("tokens not refreshed", metadata: ["error": "\(error)"])
        }
    }

    private func saveUses() async {
        let (tokens, sessions) = self.state.withLock { $0.cache.takeUsed() }
        do throws(StoreError) {
            if !tokens.isEmpty { try await self.store.touchTokens(tokens) }
            if !sessions.isEmpty { try await self.store.touchBrowserSessions(sessions) }
            // Where nobody asks nothing is made that must be swept.
            guard !tokens.isEmpty || !sessions.isEmpty else { return }
            let gone = try await self.store.sweepBrowserSessions(self.configuration.sessions)
            GatewayMetrics.swept(.browserSessions).increment(by: gone)
            let ended = try await self.store.sweepTokens(
                endedFor: self.configuration.endedTokensKept
            )
            GatewayMetrics.swept(.tokens).increment(by: ended)
            for _ in 0..<Self.keySweepsMax {
                let forgotten = try await self.store.sweepRequestKeys()
                GatewayMetrics.swept(.requestKeys).increment(by: forgotten)
                if forgotten < Store.requestKeysSweptMax { break }
            }
        } catch {
            // Uses of one minute are lost; the next ones are written.
            self.logger.debug("uses of tokens not written", metadata: ["error": "\(error)"])
        }
    }
}

extension Principal {
    /// Whom a stored token stands for; `nil` when its scope is not known here.
    init?(_ token: LiveToken) {
        guard let scope = Scope(rawValue: token.scope) else { return nil }
        self.init(token: token.id, name: token.name, scope: scope, tenant: token.tenant)
        self.groups = token.groups
    }

    /// Whom a browser's session stands for.
    init?(_ session: LiveBrowserSession) {
        self.init(session.token)
        self.session = session.secretHash
        self.sessionEndsAt = .now + session.timeLeftMax
    }
}
