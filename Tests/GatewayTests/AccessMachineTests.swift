// The pure parts of access: token texts, rates, host names, what is remembered.

import NIOCore
import Store
import TestKit
import Testing

@testable import Gateway

@Suite("Access, pure")
struct AccessMachineTests {
    @Test("a minted token reads back with the id and hash that were stored")
    func tokenText() throws {
        let (text, stored) = TokenText.mint(name: "n", scope: .run)
        let read = try #require(TokenText(text[...]))
        #expect(read.id == stored.id)
        #expect(read.secretHash == stored.secretHash)
        #expect(stored.secretHash.count == 32)
        #expect(!stored.id.contains(text.suffix(52)))
        #expect(TokenText.mint(name: "n", scope: .run).text != text)
    }

    @Test("what is not a token is not read as one")
    func brokenTokens() {
        let text = TokenText.mint(name: "n", scope: .run).text
        let broken = [
            "", "ocr_", String(text.dropLast()), text + "0", "OCR_" + text.dropFirst(4),
            text.replacing("_", with: "-"), String(text.dropLast()) + "u",
            String(text.dropLast()) + "é",
        ]
        for text in broken { #expect(TokenText(text[...]) == nil) }
    }

    @Test("hashes are the same only when every byte is")
    func comparison() {
        #expect(TokenText.isSame([1, 2, 3], [1, 2, 3]))
        #expect(!TokenText.isSame([1, 2, 3], [1, 2, 4]))
        #expect(!TokenText.isSame([1, 2, 3], [1, 2]))
        #expect(TokenText.isSame([], []))
    }

    @Test("a bucket lets its burst pass at once, then its rate, and says when to come back")
    func bucket() {
        let start = ContinuousClock.now
        var bucket = RateBucketMachine(.init(perSecond: 2, burst: 3), at: start)
        #expect((0..<3).map { _ in bucket.take(at: start).remaining } == [2, 1, 0])
        let refused = bucket.take(at: start)
        #expect(!refused.isAllowed)
        #expect(refused.secondsToRetry == 1)
        #expect(refused.secondsToFull == 2)
        #expect(bucket.take(at: start + .milliseconds(400)).isAllowed == false)
        #expect(bucket.take(at: start + .milliseconds(500)).isAllowed == true)
        // A clock that goes back fills nothing.
        #expect(bucket.take(at: start).isAllowed == false)
        #expect(bucket.take(at: start + .seconds(1_000)).remaining == 2)
    }

    @Test("over any time a bucket lets at most burst and rate times time pass")
    func bucketHistory() {
        var generator = SeededGenerator(seed: 7)
        for _ in 0..<50 {
            let rate = RateBucketMachine.Rate(
                perSecond: Double.random(in: 0.1...50, using: &generator),
                burst: Double(Int.random(in: 1...20, using: &generator))
            )
            let start = ContinuousClock.now
            var now = start
            var bucket = RateBucketMachine(rate, at: start)
            var passed = 0
            for _ in 0..<500 {
                now += .milliseconds(Int.random(in: 0...200, using: &generator))
                if bucket.take(at: now).isAllowed { passed += 1 }
                let most = rate.burst + rate.perSecond * ((now - start) / .seconds(1))
                #expect(Double(passed) <= most + 0.001)
            }
        }
    }

    @Test(
        "only names of this server and addresses are answered in the clear",
        arguments: [
            ("localhost", true), ("LocalHost:7460", true), ("localhost.", true),
            ("127.0.0.1:80", true), ("[::1]:7460", true), ("192.168.1.9", true),
            ("ops.example:443", true), ("a.localhost", true), ("evil.example", false),
            ("ops.example.evil.example", false), ("127.0.0.1.evil.example", false),
            ("1.2.3", false), ("1.2.3.400", false), ("", false), ("a b", false),
            ("localhost:x", false), ("[::1", false), ("[evil]", false), ("user@localhost", false),
        ]
    )
    func hosts(_ authority: String, _ isAllowed: Bool) {
        let policy = HostPolicy(names: ["Ops.example"])
        #expect(policy.allows(authority, isTLS: false) == isAllowed)
    }

    @Test("a request without a host is not answered; over TLS the certificate stands for the name")
    func hostsOverTLS() {
        let policy = HostPolicy(names: [])
        #expect(!policy.allows(nil, isTLS: false))
        #expect(!policy.allows(nil, isTLS: true))
        #expect(policy.allows("anything.example", isTLS: true))
    }

    @Test("a page's origin is this server's when host and port are the same")
    func origins() {
        #expect(HostPolicy.isSame(origin: "http://localhost:1", authority: "localhost:1"))
        #expect(HostPolicy.isSame(origin: "https://Ops.example", authority: "ops.example"))
        #expect(!HostPolicy.isSame(origin: "http://localhost:2", authority: "localhost:1"))
        #expect(!HostPolicy.isSame(origin: "http://a.b", authority: "a.b", isTLS: true))
        #expect(HostPolicy.isSame(origin: "https://a.b", authority: "a.b", isTLS: true))
        #expect(!HostPolicy.isSame(origin: "null", authority: "localhost:1"))
        #expect(!HostPolicy.isSame(origin: "http://localhost", authority: nil))
    }

    @Test("failures of one address do not count for another, and the table stays bounded")
    func peers() throws {
        let now = ContinuousClock.now
        var peers = PeerLimiter(.init(perSecond: 0.1, burst: 2), peersMax: 3)
        for _ in 0..<2 { peers.failed("a", at: now) }
        #expect(peers.mayTry("a", at: now) == false)
        #expect(peers.mayTry("b", at: now) == true)
        #expect(peers.mayTry("a", at: now + .seconds(10)) == true)
        for index in 0..<100 { peers.failed("peer \(index)", at: now) }
        let known = (0..<100).filter { index in
            peers.failed("peer \(index)", at: now)
            return !peers.mayTry("peer \(index)", at: now)
        }
        #expect(known.count < 100)
    }

    @Test("one IPv6 subscriber is one peer, whichever of its addresses it uses")
    func peerKeys() throws {
        func key(_ text: String) throws -> String {
            PeerLimiter.key(try SocketAddress(ipAddress: text, port: 1))
        }
        #expect(try key("2001:db8:1:2::1") == key("2001:db8:1:2:ffff::9"))
        #expect(try key("2001:db8:1:2::1") != key("2001:db8:1:3::1"))
        #expect(try key("10.0.0.1") != key("10.0.0.2"))
        #expect(PeerLimiter.key(nil) == "local")
    }

    // MARK: What is remembered

    private static let principal = Principal(
        token: "t",
        name: "n",
        scope: .run,
        tenant: "default"
    )

    private static func entry(
        _ now: ContinuousClock.Instant,
        endsIn: Duration? = nil
    ) -> AccessCache.Entry {
        AccessCache.Entry(
            principal: Self.principal,
            secretHash: [1],
            endsAt: endsIn.map { now + $0 },
            confirmedAt: now,
            usedAt: now
        )
    }

    @Test("a token in memory is over when it expires, or when nobody confirmed it for too long")
    func cacheEnds() {
        let now = ContinuousClock.now
        var cache = AccessCache(entriesMax: 10, outageMax: .seconds(30))
        cache.put(.token("t"), Self.entry(now, endsIn: .seconds(5)))
        #expect(cache.use(.token("t"), at: now + .seconds(4)) != nil)
        #expect(cache.use(.token("t"), at: now + .seconds(5)) == nil)
        cache.put(.token("u"), Self.entry(now))
        #expect(cache.use(.token("u"), at: now + .seconds(29)) != nil)
        #expect(cache.use(.token("u"), at: now + .seconds(30)) == nil)
    }

    @Test("what the database no longer knows is over, with its sessions and its streams")
    func cacheRevocation() {
        let now = ContinuousClock.now
        var cache = AccessCache(entriesMax: 10, outageMax: .seconds(30))
        cache.put(.token("t"), Self.entry(now))
        cache.put(.session([9]), Self.entry(now))
        #expect(cache.isLive(.token("t"), at: now) == true)
        cache.confirm(asked: [.token("t")], live: [:], at: now)
        #expect(cache.use(.token("t"), at: now) == nil)
        #expect(cache.use(.session([9]), at: now) == nil)
        #expect(cache.isLive(.token("t"), at: now) == false)
    }

    @Test("a session that ended ends its streams, wherever it ended, and leaves its token's alone")
    func cacheSessions() {
        let now = ContinuousClock.now
        var cache = AccessCache(entriesMax: 10, outageMax: .seconds(30))
        for hash in [[1], [2]] as [[UInt8]] {
            let isLive = cache.isLive(.session(hash), at: now)
            #expect(isLive)
        }
        #expect(Set(cache.pending().sessions) == [[1], [2]])
        cache.end(.session([1]), at: now)
        cache.confirm(asked: [.session([2])], live: [:], at: now)
        for hash in [[1], [2]] as [[UInt8]] {
            let isLive = cache.isLive(.session(hash), at: now)
            #expect(!isLive)
        }
        let isTokenLive = cache.isLive(.token("t"), at: now)
        #expect(isTokenLive)
    }

    @Test("a stream's token is looked after although it asks nothing more")
    func cacheWatches() {
        let now = ContinuousClock.now
        var cache = AccessCache(entriesMax: 10, outageMax: .seconds(30))
        #expect(cache.isLive(.token("t"), at: now) == true)
        #expect(cache.pending().tokens == ["t"])
    }

    @Test("a use is written down once, and idle ones are forgotten after it was")
    func cacheUses() {
        let now = ContinuousClock.now
        let later = now + AccessCache.idleMax + .seconds(1)
        var cache = AccessCache(entriesMax: 10, outageMax: .seconds(3_000))
        cache.put(.token("t"), Self.entry(now))
        cache.confirm(asked: [], live: [:], at: later)
        #expect(cache.pending().tokens == ["t"])
        #expect(cache.takeUsed().tokens == ["t"])
        #expect(cache.takeUsed().tokens == [])
        cache.confirm(asked: [], live: [:], at: later)
        #expect(cache.pending().tokens.isEmpty == true)
    }

    @Test("who only watches a stream uses what he came with, as long as it goes on")
    func cacheUsesByWatching() {
        let now = ContinuousClock.now
        var cache = AccessCache(entriesMax: 10, outageMax: .seconds(30))
        for _ in 0..<2 {
            #expect(cache.isLive(.token("t"), at: now) == true)
            #expect(cache.isLive(.session([7]), at: now) == true)
            let used = cache.takeUsed()
            #expect(used.tokens == ["t"])
            #expect(used.sessions == [[7]])
            #expect(cache.takeUsed().sessions == [])
        }
    }

    @Test("memory is bounded")
    func cacheBound() {
        let now = ContinuousClock.now
        var cache = AccessCache(entriesMax: 3, outageMax: .seconds(30))
        for index in 0..<50 { cache.put(.token("\(index)"), Self.entry(now)) }
        #expect(cache.pending().tokens.count == 3)
    }
}
