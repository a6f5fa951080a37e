// Whether bytes are values at all, and where each ends: decided before anything is made of them.

/// Walks over values without making them.
struct BinaryScanner {
    /// The first bytes of a value.
    struct Head {
        /// One of ``BinaryMajor``.
        var major: UInt8
        /// The number, the length, or the bits of a floating point number.
        var number: UInt64
        /// Where the head's first byte is.
        var first: UInt8
        /// The place behind the head.
        var next: Int
    }

    let bytes: [UInt8]

    /// The head at a place of bytes that were checked.
    func head(at place: Int) -> Head {
        let first = self.bytes[place]
        let info = first & 31
        guard info >= 24, info <= 27 else {
            return Head(major: first >> 5, number: UInt64(info), first: first, next: place + 1)
        }
        let count = 1 << Int(info - 24)
        var number: UInt64 = 0
        for index in place + 1...place + count { number = number << 8 | UInt64(self.bytes[index]) }
        return Head(major: first >> 5, number: number, first: first, next: place + 1 + count)
    }

    /// The place behind the value at a place of bytes that were checked.
    func end(ofValueAt place: Int) -> Int {
        var place = place
        var depth = 0
        repeat {
            let first = self.bytes[place]
            switch first {
            case BinaryByte.list, BinaryByte.object:
                depth += 1
                place += 1
            case BinaryByte.end:
                depth -= 1
                place += 1
            default:
                let head = self.head(at: place)
                let isLong = head.major == BinaryMajor.bytes || head.major == BinaryMajor.text
                place = head.next + (isLong ? Int(head.number) : 0)
            }
        } while depth > 0
        return place
    }

    /// Checks that exactly so many whole values lie between a place and the end of the bytes.
    ///
    /// - Parameters:
    ///   - count: How many values are expected.
    ///   - start: Where the first begins.
    ///   - limits: How deep and how many.
    /// - Throws: `DecodingError` saying what is wrong with the bytes.
    func check(values count: Int, from start: Int, limits: BinaryLimits) throws {
        var place = start
        var budget = limits.valuesMax
        for _ in 0..<count {
            place = try self.checkValue(at: place, limits: limits, budget: &budget)
        }
        guard place == self.bytes.count else {
            throw Self.corrupted("\(self.bytes.count - place) bytes follow the last value")
        }
    }

    private func checkValue(
        at start: Int,
        limits: BinaryLimits,
        budget: inout Int
    ) throws -> Int {
        var place = start
        // For each open list or object whether it is an object, and whether a key comes next.
        var open: [(isObject: Bool, isKeyNext: Bool)] = []
        repeat {
            guard place < self.bytes.count else { throw Self.corrupted("a value is cut off") }
            let first = self.bytes[place]
            if let last = open.last, last.isObject, last.isKeyNext {
                guard first == BinaryByte.end || first >> 5 == BinaryMajor.text else {
                    throw Self.corrupted("a key is not text")
                }
            }
            if first == BinaryByte.end {
                guard let last = open.popLast(), !last.isObject || last.isKeyNext else {
                    throw Self.corrupted("an end has no beginning")
                }
                place += 1
            } else {
                budget -= 1
                guard budget >= 0 else {
                    throw Self.corrupted("it has more than \(limits.valuesMax) values")
                }
                if let index = open.indices.last, open[index].isObject {
                    open[index].isKeyNext.toggle()
                }
                if first == BinaryByte.list || first == BinaryByte.object {
                    guard open.count < limits.depthMax else {
                        throw Self.corrupted("it is deeper than \(limits.depthMax) levels")
                    }
                    open.append((first == BinaryByte.object, true))
                    place += 1
                } else {
                    place = try self.checkSimple(first, at: place)
                }
            }
        } while !open.isEmpty
        return place
    }

    /// A value without others in it.
    private func checkSimple(_ first: UInt8, at place: Int) throws -> Int {
        let major = first >> 5
        let info = first & 31
        let isFloating = first == BinaryByte.float || first == BinaryByte.double
        let isConstant = (BinaryByte.no...BinaryByte.null).contains(first)
        let isHead = major <= BinaryMajor.text && info <= 27
        guard isHead || isFloating || isConstant else {
            throw Self.corrupted("no value begins with the byte \(first)")
        }
        let size = info >= 24 && info <= 27 ? 1 << Int(info - 24) : 0
        guard self.bytes.count - place > size else { throw Self.corrupted("a value is cut off") }
        let head = self.head(at: place)
        guard major == BinaryMajor.bytes || major == BinaryMajor.text else { return head.next }
        guard head.number <= UInt64(self.bytes.count - head.next) else {
            throw Self.corrupted("a text is cut off")
        }
        return head.next + Int(head.number)
    }

    static func corrupted(_ reason: String) -> DecodingError {
        .dataCorrupted(.init(codingPath: [], debugDescription: reason))
    }
}
