// How many streams are opened at once, whoever comes.

import Synchronization
import Testing

@testable import Gateway

@Suite("Opening line", .timeLimit(.minutes(1)))
struct OpeningLineTests {
    private final class Watch: Sendable {
        struct State {
            var inside = 0
            var most = 0
            var done: [Int] = []
        }

        let state = Mutex(State())
    }

    @Test(
        "five thousand who come at once all have their turn, never more of them than there are places"
    )
    func turns() async {
        let line = OpeningLine(places: 3)
        let watch = Watch()
        await withDiscardingTaskGroup { group in
            for number in 0..<5_000 {
                group.addTask {
                    await line.turn {
                        watch.state.withLock { state in
                            state.inside += 1
                            state.most = max(state.most, state.inside)
                        }
                        await Task.yield()
                        watch.state.withLock { state in
                            state.inside -= 1
                            state.done.append(number)
                        }
                    }
                }
            }
        }
        watch.state.withLock { state in
            #expect(Set(state.done).count == 5_000)
            #expect(state.most == 3)
            #expect(state.inside == 0)
        }
    }

    @Test("who waits longest is next")
    func order() async {
        let line = OpeningLine(places: 1)
        let watch = Watch()
        await withDiscardingTaskGroup { group in
            await line.turn {
                for number in 0..<2_000 {
                    let before = line.waitingCount
                    group.addTask {
                        await line.turn { watch.state.withLock { $0.done.append(number) } }
                    }
                    while line.waitingCount == before { await Task.yield() }
                }
            }
        }
        let done = watch.state.withLock(\.done)
        #expect(done == Array(0..<2_000))
    }
}
