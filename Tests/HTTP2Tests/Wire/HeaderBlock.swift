// Header blocks written representation by representation (RFC 7541 section 6), right or wrong.

/// A field block under construction. Literals use no Huffman code and no dynamic table unless asked.
struct HeaderBlock: Sendable {
    /// How a literal field relates to the dynamic table.
    enum Literal {
        case plain
        case indexed
        case never
    }

    var bytes: [UInt8] = []

    init(_ bytes: [UInt8] = []) { self.bytes = bytes }

    /// A block of literals.
    init(_ fields: [(String, String)]) {
        for (name, value) in fields { self = self.field(name, value) }
    }

    /// A literal field with its name in full.
    func field(_ name: String, _ value: String, _ literal: Literal = .plain) -> HeaderBlock {
        let first: UInt8 =
            switch literal {
            case .plain: 0x00
            case .indexed: 0x40
            case .never: 0x10
            }
        return self.raw([first] + Self.text(name) + Self.text(value))
    }

    /// A field of a table, wholly.
    func indexed(_ index: Int) -> HeaderBlock {
        self.raw(Self.integer(index, prefix: 7, first: 0x80))
    }

    /// A literal value under a name of a table, added to the dynamic table.
    func named(_ index: Int, _ value: String) -> HeaderBlock {
        self.raw(Self.integer(index, prefix: 6, first: 0x40) + Self.text(value))
    }

    /// A change of the dynamic table's size.
    func tableSize(_ bytes: Int) -> HeaderBlock {
        self.raw(Self.integer(bytes, prefix: 5, first: 0x20))
    }

    /// Any bytes.
    func raw(_ bytes: [UInt8]) -> HeaderBlock { HeaderBlock(self.bytes + bytes) }

    /// A request that is answered by the test servers.
    static func request(
        _ method: String = "GET",
        _ path: String = "/",
        _ fields: [(String, String)] = []
    ) -> HeaderBlock {
        HeaderBlock(
            [
                (":method", method), (":scheme", "http"), (":path", path),
                (":authority", "localhost"),
            ] + fields
        )
    }

    /// An integer of RFC 7541 section 5.1.
    static func integer(_ value: Int, prefix: Int, first: UInt8 = 0) -> [UInt8] {
        let most = (1 << prefix) - 1
        if value < most { return [first | UInt8(value)] }
        var bytes = [first | UInt8(most)]
        var rest = value - most
        while rest >= 128 {
            bytes.append(UInt8(rest & 0x7F) | 0x80)
            rest >>= 7
        }
        return bytes + [UInt8(rest)]
    }

    /// A string of RFC 7541 section 5.2, without Huffman code.
    static func text(_ text: String) -> [UInt8] {
        Self.integer(text.utf8.count, prefix: 7) + Array(text.utf8)
    }

    /// A string that claims to be Huffman code.
    static func huffman(_ code: [UInt8]) -> [UInt8] {
        Self.integer(code.count, prefix: 7, first: 0x80) + code
    }
}
