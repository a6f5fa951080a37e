// What blocking work does while other blocking work computes without an end.

import Glibc
import Synchronization
import Testing

@testable import Tools

@Suite("Blocking work", .timeLimit(.minutes(1)))
struct BlockingWorkTests {
    private final class Busy: Sendable {
        let count = Atomic(0)
        let mayEnd = Atomic(false)
    }

    @Test("work that never rests does not keep other work from its thread")
    func starvation() async {
        let busy = Busy()
        let wanted = 2 * sysconf(Int32(_SC_NPROCESSORS_ONLN))
        await withDiscardingTaskGroup { group in
            for _ in 0..<wanted {
                group.addTask {
                    await BlockingWork.run {
                        busy.count.add(1, ordering: .relaxed)
                        while !busy.mayEnd.load(ordering: .relaxed) {}
                    }
                }
            }
            // More than there are cores, and none of them ends before all have begun.
            while busy.count.load(ordering: .relaxed) < wanted, !Task.isCancelled {
                await Task.yield()
            }
            busy.mayEnd.store(true, ordering: .relaxed)
        }
        let count = busy.count.load(ordering: .relaxed)
        #expect(count == wanted)
    }
}
