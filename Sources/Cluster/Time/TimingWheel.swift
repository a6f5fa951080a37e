// Which deadlines have passed, for many thousands of them at once. Pure: time comes in as a value.

internal import NIOCore

/// A hashed timing wheel: adding, removing and passing cost the same however many there are.
///
/// A deadline is noticed up to one tick late, never early. One that is further away than a whole turn
/// of the wheel is looked at once in each turn.
struct TimingWheel<Element> {
    /// Brings an element back out; good for one element only.
    struct Token: Sendable, Hashable {
        fileprivate var index: Int32
        fileprivate var generation: UInt32
    }

    private struct Node {
        var element: Element?
        var dueTick: Int64 = 0
        var previous: Int32 = -1
        var next: Int32 = -1
        var generation: UInt32 = 0
    }

    private let start: NIODeadline
    private let tick: TimeAmount
    private var slots: [Int32]
    private var nodes: [Node] = []
    private var free: Int32 = -1
    private var currentTick: Int64 = 0
    /// Elements that wait.
    private(set) var count = 0

    /// An empty wheel.
    ///
    /// - Parameters:
    ///   - tick: How exact it is.
    ///   - slots: Ticks of one turn.
    ///   - now: The time.
    init(tick: TimeAmount, slots: Int, at now: NIODeadline) {
        self.tick = tick
        self.slots = [Int32](repeating: -1, count: slots)
        self.start = now
    }

    /// Adds an element.
    mutating func insert(_ element: Element, due deadline: NIODeadline) -> Token {
        let nanoseconds = (deadline - self.start).nanoseconds
        let tick = (nanoseconds + self.tick.nanoseconds - 1) / self.tick.nanoseconds
        let index = self.takeNode()
        let slot = self.slot(of: max(tick, self.currentTick + 1))
        self.nodes[Int(index)].element = element
        self.nodes[Int(index)].dueTick = max(tick, self.currentTick + 1)
        self.nodes[Int(index)].previous = -1
        self.nodes[Int(index)].next = self.slots[slot]
        if self.slots[slot] >= 0 { self.nodes[Int(self.slots[slot])].previous = index }
        self.slots[slot] = index
        self.count += 1
        return Token(index: index, generation: self.nodes[Int(index)].generation)
    }

    /// Takes an element out before its deadline.
    ///
    /// - Returns: Whether it was still there.
    @discardableResult
    mutating func remove(_ token: Token) -> Bool {
        let node = self.nodes[Int(token.index)]
        guard node.generation == token.generation, node.element != nil else { return false }
        self.unlink(token.index)
        return true
    }

    /// Takes out everything whose deadline has passed.
    mutating func advance(to now: NIODeadline) -> [Element] {
        let target = (now - self.start).nanoseconds / self.tick.nanoseconds
        guard target > self.currentTick else { return [] }
        var due: [(tick: Int64, element: Element)] = []
        // After a long pause every slot is looked at once.
        let first = max(self.currentTick + 1, target - Int64(self.slots.count) + 1)
        for tick in first...target {
            var index = self.slots[self.slot(of: tick)]
            while index >= 0 {
                let node = self.nodes[Int(index)]
                if node.dueTick <= target, let element = node.element {
                    due.append((node.dueTick, element))
                    self.unlink(index)
                }
                index = node.next
            }
        }
        self.currentTick = target
        return due.sorted { $0.tick < $1.tick }.map(\.element)
    }

    private func slot(of tick: Int64) -> Int { Int(tick % Int64(self.slots.count)) }

    private mutating func takeNode() -> Int32 {
        if self.free >= 0 {
            let index = self.free
            self.free = self.nodes[Int(index)].next
            return index
        }
        self.nodes.append(Node())
        return Int32(self.nodes.count - 1)
    }

    private mutating func unlink(_ index: Int32) {
        let node = self.nodes[Int(index)]
        if node.previous >= 0 {
            self.nodes[Int(node.previous)].next = node.next
        } else {
            self.slots[self.slot(of: node.dueTick)] = node.next
        }
        if node.next >= 0 { self.nodes[Int(node.next)].previous = node.previous }
        self.nodes[Int(index)] = Node(next: self.free, generation: node.generation &+ 1)
        self.free = index
        self.count -= 1
    }
}
