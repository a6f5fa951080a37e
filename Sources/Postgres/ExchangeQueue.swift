// Decides how calls wait in order: a queue whose front can be taken cheaply.

internal import DequeModule

/// First in, first out; keeps nothing of what was taken, which may be megabytes each.
struct ExchangeQueue {
    private(set) var all: Deque<Exchange> = []

    var count: Int { self.all.count }
    var isEmpty: Bool { self.all.isEmpty }
    var first: Exchange? { self.all.first }

    mutating func append(_ exchange: Exchange) { self.all.append(exchange) }
    mutating func prepend(_ exchange: Exchange) { self.all.prepend(exchange) }
    mutating func popFirst() -> Exchange? { self.all.popFirst() }

    mutating func remove(_ id: UInt64) -> Exchange? {
        guard let index = self.all.firstIndex(where: { $0.id == id }) else { return nil }
        return self.all.remove(at: index)
    }

    mutating func removeAll() -> [Exchange] {
        defer { self.all = [] }
        return Array(self.all)
    }
}
