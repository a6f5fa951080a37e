// Where a run's pauses get their jitter from.

import PulserIR

/// Numbers that spread what would happen at once; nobody need be kept from guessing them.
///
/// SplitMix64 from the run and its claim on: the system's generator is a system call for each number,
/// 1.5 % of what a run that does nothing costs the node.
struct Jitter {
    private var state: UInt64

    init(run: RunID, claimNumber: Int64) {
        let claim = UInt64(bitPattern: claimNumber)
        self.state = UInt64(bitPattern: run.number) &* 0x9E37_79B9 &+ claim
    }

    /// The next number, from 0 up to 1.
    mutating func next() -> Double {
        self.state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = (self.state ^ (self.state >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return Double((mixed ^ (mixed >> 31)) >> 11) * 0x1p-53
    }
}
