// Named operations: once, however often they come.

import NIOCore
import PulserIR
import Testing

@testable import Cluster

@Suite("The memory of operations")
struct OperationMemoryTests {
    private typealias Memory = OperationMemory<Int, String>

    private static let start = NIODeadline.uptimeNanoseconds(1)

    private func key(_ number: UInt64) -> Memory.Key {
        Memory.Key(
            actor: ActorAddress(kind: ActorKind("a"), key: .number(1), place: .shard(0)),
            operation: OperationID(high: 0, low: number)
        )
    }

    private func memory(count: Int = 3, bytes: Int = 1_000) -> Memory {
        Memory(countMax: count, bytesMax: bytes, lifetime: .seconds(10))
    }

    private func text(_ admission: Memory.Admission) -> String {
        switch admission {
        case .execute: "execute"
        case .wait: "wait"
        case .known(let outcome): outcome
        case .full: "full"
        }
    }

    @Test("the first is executed, those meanwhile wait, those later get the result")
    func once() {
        var memory = self.memory()
        #expect(self.text(memory.admit(self.key(1), 1, at: Self.start)) == "execute")
        #expect(self.text(memory.admit(self.key(1), 2, at: Self.start)) == "wait")
        #expect(self.text(memory.admit(self.key(1), 3, at: Self.start)) == "wait")
        #expect(memory.finish(self.key(1), "done", bytes: 4, at: Self.start) == [2, 3])
        #expect(self.text(memory.admit(self.key(1), 4, at: Self.start)) == "done")
        #expect(memory.finish(self.key(1), "again", bytes: 4, at: Self.start).isEmpty)
        #expect(self.text(memory.admit(self.key(1), 5, at: Self.start)) == "done")
    }

    @Test("one that was not executed after all is executed by the next call")
    func undone() {
        var memory = self.memory()
        _ = memory.admit(self.key(1), 1, at: Self.start)
        _ = memory.admit(self.key(1), 2, at: Self.start)
        #expect(memory.finish(self.key(1), nil, bytes: 0, at: Self.start) == [2])
        #expect(self.text(memory.admit(self.key(1), 3, at: Self.start)) == "execute")
    }

    @Test("it is bounded: the oldest that has ended goes, one under way never does")
    func bounds() {
        var memory = self.memory()
        for number in UInt64(1)...3 { _ = memory.admit(self.key(number), 0, at: Self.start) }
        #expect(self.text(memory.admit(self.key(4), 0, at: Self.start)) == "full")
        _ = memory.finish(self.key(2), "two", bytes: 3, at: Self.start)
        #expect(self.text(memory.admit(self.key(4), 0, at: Self.start)) == "execute")
        #expect(memory.count == 3)
        #expect(self.text(memory.admit(self.key(1), 9, at: Self.start)) == "wait")

        var small = self.memory(count: 10, bytes: 100)
        for number in UInt64(1)...3 {
            _ = small.admit(self.key(number), 0, at: Self.start)
            _ = small.finish(self.key(number), "kept", bytes: 40, at: Self.start)
        }
        #expect(self.text(small.admit(self.key(1), 0, at: Self.start)) == "execute")
        #expect(self.text(small.admit(self.key(3), 0, at: Self.start)) == "kept")
    }

    @Test("a result is forgotten when its time is over")
    func lifetime() {
        var memory = self.memory()
        _ = memory.admit(self.key(1), 0, at: Self.start)
        _ = memory.finish(self.key(1), "kept", bytes: 4, at: Self.start)
        let later = Self.start + .seconds(10)
        #expect(self.text(memory.admit(self.key(1), 0, at: later)) == "kept")
        #expect(self.text(memory.admit(self.key(1), 0, at: later + .seconds(1))) == "execute")
    }
}
