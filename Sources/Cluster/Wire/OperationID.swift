// Names an operation, so that sending it again does not execute it again.

/// The name of one operation of one caller.
public struct OperationID: Sendable, Hashable {
    let high: UInt64
    let low: UInt64

    init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// A name that nobody else has.
    public init() {
        self.init(
            high: UInt64.random(in: .min ... .max),
            low: UInt64.random(in: .min ... .max)
        )
    }
}
