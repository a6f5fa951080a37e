// Decides how many sessions a fuzz test sends, from which seed, and what a failure says.

import Foundation

/// How long fuzzing goes on.
struct FuzzRun: Sendable {
    /// The seed of the first session; the next one has the next number.
    let seed: UInt64
    /// The end of a long run; `nil` for a run of a fixed number of sessions.
    private let end: ContinuousClock.Instant?
    private let sessionsMax: UInt64

    /// Reads `OPSROOM_SEED` and `OPSROOM_FUZZ_SECONDS`.
    init(sessions: UInt64) {
        let environment = ProcessInfo.processInfo.environment
        self.seed = environment["OPSROOM_SEED"].flatMap { UInt64($0) } ?? 1
        let seconds = environment["OPSROOM_FUZZ_SECONDS"].flatMap { Int($0) }
        self.end = seconds.map { .now + .seconds($0) }
        self.sessionsMax = sessions
    }

    /// Says after a long run how much was done.
    func ended(_ number: UInt64, _ name: String) {
        guard self.end != nil, number > 0 else { return }
        let text =
            "\(name): \(number) sessions, seeds \(self.seed) to \(self.seed &+ (number - 1))\n"
        FileHandle.standardError.write(Data(text.utf8))
    }

    /// Whether there is to be a session of this number.
    func goesOn(_ number: UInt64) -> Bool {
        guard let end = self.end else { return number < self.sessionsMax }
        return ContinuousClock.now < end
    }

    /// Runs sessions one after the other; each draws from its own seed.
    func sessions(_ name: String, _ body: (UInt64) throws -> Void) throws {
        var number: UInt64 = 0
        defer { self.ended(number, name) }
        while self.goesOn(number) {
            let seed = self.seed &+ number
            do { try body(seed) } catch {
                throw WireFailure("\(error); again with OPSROOM_SEED=\(seed)")
            }
            number += 1
        }
    }
}
