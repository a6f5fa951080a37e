// How often one address may fail to prove who it is.

import NIOCore

/// A bucket of failures per peer, bounded.
struct PeerLimiter: Sendable {
    private let rate: RateBucketMachine.Rate
    private let peersMax: Int
    private var buckets: [String: RateBucketMachine] = [:]

    init(_ rate: RateBucketMachine.Rate, peersMax: Int) {
        self.rate = rate
        self.peersMax = peersMax
    }

    /// Whether the peer may try again.
    mutating func mayTry(_ peer: String, at now: ContinuousClock.Instant) -> Bool {
        self.buckets[peer]?.hasRoom(at: now) ?? true
    }

    /// Notes a failure.
    mutating func failed(_ peer: String, at now: ContinuousClock.Instant) {
        if self.buckets[peer] == nil, self.buckets.count >= self.peersMax { self.sweep(now) }
        var bucket = self.buckets[peer] ?? RateBucketMachine(self.rate, at: now)
        _ = bucket.take(at: now)
        self.buckets[peer] = bucket
    }

    /// Forgets peers that have been quiet; when none has, one of them: the table stays bounded.
    private mutating func sweep(_ now: ContinuousClock.Instant) {
        for (peer, var bucket) in self.buckets where bucket.isFull(at: now) {
            self.buckets[peer] = nil
        }
        if self.buckets.count >= self.peersMax, let any = self.buckets.keys.first {
            self.buckets[any] = nil
        }
    }

    /// What counts as one peer: an IPv4 address, or the /64 that one IPv6 subscriber gets.
    static func key(_ address: SocketAddress?) -> String {
        guard let address else { return "local" }
        guard address.protocol == .inet6 else { return address.ipAddress ?? "local" }
        // The address begins 8 bytes into `sockaddr_in6` (RFC 3493, 3.3).
        let bytes = address.withSockAddr { pointer, size in
            UnsafeRawBufferPointer(start: pointer, count: size).dropFirst(8).prefix(8).map { $0 }
        }
        return bytes.map { String($0, radix: 16) }.joined(separator: ":")
    }
}
