// Decides which of the things to come is next: the earliest, and of equals the one put in first.

/// A binary heap. Events stay where they are put and only numbers move, because a debug build spends
/// most of its time on copying.
struct EventQueue {
    private static let orderBits: Int64 = 24

    /// Time and order in one number, as a heap.
    private var keys: [Int64] = []
    /// Where the event of each key is.
    private var places: [Int] = []
    private var events: [ClusterSimulation.Event?] = []
    private var vacant: [Int] = []
    private var order: Int64 = 0

    mutating func add(_ event: ClusterSimulation.Event, at time: Int64) {
        self.order += 1
        let place = self.vacant.popLast() ?? self.events.count
        if place == self.events.count {
            self.events.append(event)
        } else {
            self.events[place] = event
        }
        let key = time << Self.orderBits | self.order & (1 << Self.orderBits - 1)
        self.keys.append(key)
        self.places.append(place)
        var child = self.keys.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard key < self.keys[parent] else { break }
            self.move(parent, to: child)
            child = parent
        }
        self.put(key, place, at: child)
    }

    mutating func next() -> (time: Int64, event: ClusterSimulation.Event)? {
        guard let first = self.keys.first, let place = self.places.first else { return nil }
        let (key, last) = (self.keys.removeLast(), self.places.removeLast())
        if !self.keys.isEmpty { self.sink(key, last) }
        guard let event = self.events[place] else { return nil }
        self.events[place] = nil
        self.vacant.append(place)
        return (first >> Self.orderBits, event)
    }

    private mutating func sink(_ key: Int64, _ place: Int) {
        let count = self.keys.count
        var parent = 0
        while true {
            var child = 2 * parent + 1
            guard child < count else { break }
            if child + 1 < count, self.keys[child + 1] < self.keys[child] { child += 1 }
            guard self.keys[child] < key else { break }
            self.move(child, to: parent)
            parent = child
        }
        self.put(key, place, at: parent)
    }

    private mutating func move(_ from: Int, to place: Int) {
        self.keys[place] = self.keys[from]
        self.places[place] = self.places[from]
    }

    private mutating func put(_ key: Int64, _ place: Int, at index: Int) {
        self.keys[index] = key
        self.places[index] = place
    }
}
