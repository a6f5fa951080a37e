// `opsload emit`: what the plan of a load runs: prints lines at a rate, and nothing else.

import ArgumentParser
import Glibc

struct EmitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "emit",
        abstract: "Print lines at a rate.",
        shouldDisplay: false
    )

    @Option var rate: Double
    @Option var seconds: Int
    @Option var bytes = 80

    func run() throws {
        guard self.rate > 0, self.seconds > 0, (1...8_192).contains(self.bytes) else {
            throw ValidationError("a rate, seconds and bytes above 0")
        }
        let line = [UInt8](repeating: UInt8(ascii: "x"), count: self.bytes) + [10]
        let total = Int(self.rate * Double(self.seconds))
        let start = ContinuousClock.now
        for number in 0..<total {
            // Due by the clock: what was held up is made up for.
            let due = start + .seconds(1) * (Double(number) / self.rate)
            let wait = due - ContinuousClock.now
            if wait > .zero {
                let parts = wait.components
                usleep(
                    UInt32(
                        clamping: parts.seconds * 1_000_000 + parts.attoseconds / 1_000_000_000_000
                    )
                )
            }
            guard write(1, line, line.count) == line.count else { return }
        }
    }
}
