// Decides how calls wait in order: a queue whose front can be taken cheaply.

/// First in, first out.
struct ExchangeQueue {
    private var items: [Exchange] = []
    private var head = 0

    var count: Int { self.items.count - self.head }
    var isEmpty: Bool { self.count == 0 }
    var first: Exchange? { self.isEmpty ? nil : self.items[self.head] }
    var all: ArraySlice<Exchange> { self.items[self.head...] }

    mutating func append(_ exchange: Exchange) { self.items.append(exchange) }

    mutating func prepend(_ exchange: Exchange) {
        self.items.replaceSubrange(..<self.head, with: CollectionOfOne(exchange))
        self.head = 0
    }

    mutating func popFirst() -> Exchange? {
        guard let first else { return nil }
        self.head += 1
        // Moving what is left is worth it only when half of the memory is spent.
        if self.head > 64, self.head * 2 > self.items.count {
            self.items.removeFirst(self.head)
            self.head = 0
        }
        return first
    }

    mutating func remove(_ id: UInt64) -> Exchange? {
        guard let index = self.all.firstIndex(where: { $0.id == id }) else { return nil }
        return self.items.remove(at: index)
    }

    mutating func removeAll() -> [Exchange] {
        defer {
            self.items = []
            self.head = 0
        }
        return Array(self.all)
    }
}
