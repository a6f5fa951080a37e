// Decides whether one more connection may be made. Pure: time comes in as a value.

import NIOCore

/// Counts connections, all and per address, and how fast they come.
struct AdmissionMachine {
    private let connectionsMax: Int
    private let perAddressMax: Int
    private var rate: TokenBucket
    private var perAddress: [String: Int] = [:]
    /// Connections that were let in and have not left.
    private(set) var count = 0

    init(_ configuration: HTTPServerConfiguration) {
        self.connectionsMax = configuration.connectionsMax
        self.perAddressMax = configuration.connectionsPerAddressMax
        self.rate = TokenBucket(
            capacity: configuration.acceptBurst,
            perSecond: Double(configuration.acceptsPerSecond)
        )
    }

    /// Lets a connection in, or names the limit that it exceeds.
    mutating func admit(_ address: String, at now: NIODeadline) -> LimitName? {
        guard self.count < self.connectionsMax else { return .connections }
        guard self.perAddress[address, default: 0] < self.perAddressMax else {
            return .connectionsPerAddress
        }
        guard self.rate.take(at: now) else { return .acceptRate }
        self.count += 1
        self.perAddress[address, default: 0] += 1
        return nil
    }

    /// A connection that was let in is gone.
    mutating func left(_ address: String) {
        self.count -= 1
        guard let count = self.perAddress[address] else { return }
        self.perAddress[address] = count > 1 ? count - 1 : nil
    }
}
