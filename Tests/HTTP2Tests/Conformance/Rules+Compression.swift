// RFC 7541: the tables, the representations, integers, strings.

extension ServerRules {
    static let compression: [WireCase] = Self.tables + Self.sizes + Self.primitives

    private static let tables: [WireCase] = [
        WireCase("7541 2.3.2", "a field that was added can be used by its index") { peer in
            let first = HeaderBlock.request().field("x-kept", "1", .indexed)
            try peer.send(.headers(1, first.field("x-more", "2", .indexed)))
            try peer.send(.headers(3, .request().indexed(62).indexed(63)))
            try peer.expectResponse(1)
            try peer.expectResponse(3)
        },
        Self.broken("2.3.3", "an index beyond both tables", HeaderBlock.request().indexed(62)),
        Self.broken("2.3.3", "a huge index", HeaderBlock.request().indexed(1 << 20)),
        Self.broken(
            "2.3.3",
            "a name's index beyond both tables",
            HeaderBlock.request().named(62, "value")
        ),
        WireCase("7541 4.4", "an evicted field is an index beyond both tables") { peer in
            let first = HeaderBlock.request().field("x-kept", "1", .indexed)
            try peer.send(.headers(1, first))
            try peer.expectResponse(1)
            try peer.send(.headers(3, HeaderBlock().tableSize(0).raw(HeaderBlock.request().bytes)))
            try peer.expectResponse(3)
            try peer.send(.headers(5, .request("GET", "/never").indexed(62)))
            try peer.expectConnectionError(.compression)
        },
        WireCase("7541 4.4", "a field larger than the table empties it") { peer in
            let large = String(repeating: "a", count: 5_000)
            let first = HeaderBlock.request().field("x-kept", "1", .indexed)
            try peer.send(.headers(1, first.field("x-large", large, .indexed)))
            try peer.expectResponse(1)
            try peer.send(.headers(3, .request("GET", "/never").indexed(62)))
            try peer.expectConnectionError(.compression)
        },
        Self.broken("6.1", "index 0", HeaderBlock.request().indexed(0)),
        WireCase("7541 6.1", "an index stands for a field") { peer in
            // :method GET, :scheme http, :path /, and :authority by its name.
            let block = HeaderBlock().indexed(2).indexed(6).indexed(4).named(1, "localhost")
            try peer.send(.headers(1, block))
            try peer.expectResponse(1)
        },
        WireCase("7541 6.2", "literals of all three kinds are taken") { peer in
            let block = HeaderBlock.request().field("x-a", "1").field("x-b", "2", .never)
            try peer.send(.headers(1, block.field("x-c", "3", .indexed)))
            try peer.expectResponse(1)
        },
        WireCase("7541 C.4", "the examples of the RFC are decoded") { peer in
            try peer.send(
                .headers(
                    1,
                    HeaderBlock([
                        0x82, 0x86, 0x84, 0x41, 0x8C, 0xF1, 0xE3, 0xC2, 0xE5, 0xF2, 0x3A, 0x6B,
                        0xA0, 0xAB, 0x90, 0xF4, 0xFF,
                    ])
                ),
                .headers(
                    3,
                    HeaderBlock([
                        0x82, 0x86, 0x84, 0xBE, 0x58, 0x86, 0xA8, 0xEB, 0x10, 0x64, 0x9C, 0xBF,
                    ])
                ),
            )
            try peer.expectResponse(1)
            try peer.expectResponse(3)
        },
    ]

    private static let sizes: [WireCase] = [
        Self.broken("4.2", "a new table size after a field", HeaderBlock.request().tableSize(1)),
        Self.broken("6.3", "a table size above the setting", HeaderBlock().tableSize(4_097)),
        Self.broken("6.3", "a huge table size", HeaderBlock().tableSize(1 << 30)),
        WireCase("7541 4.2", "two sizes at the beginning are taken") { peer in
            let block = HeaderBlock().tableSize(0).tableSize(4_096)
            try peer.send(.headers(1, block.raw(HeaderBlock.request().bytes)))
            try peer.expectResponse(1)
        },
        WireCase("7541 4.3", "a smaller table evicts what no longer fits") { peer in
            let first = HeaderBlock.request().field("x-old", "1", .indexed)
            try peer.send(.headers(1, first.field("x-new", "2", .indexed)))
            try peer.expectResponse(1)
            // Room for one of the two: the newer one.
            let second = HeaderBlock().tableSize(40).raw(HeaderBlock.request().bytes)
            try peer.send(.headers(3, second.indexed(62)))
            try peer.expectResponse(3)
            try peer.send(.headers(5, .request("GET", "/never").indexed(63)))
            try peer.expectConnectionError(.compression)
        },
    ]

    private static let primitives: [WireCase] = [
        Self.broken(
            "5.1",
            "an integer of more than 32 bits",
            HeaderBlock([0xFF] + [UInt8](repeating: 0xFF, count: 9) + [0x7F])
        ),
        Self.broken(
            "5.1",
            "an integer that goes on for ever",
            HeaderBlock([0xFF] + [UInt8](repeating: 0x80, count: 64) + [0x01])
        ),
        Self.broken(
            "5.1",
            "a string's length of more than 32 bits",
            HeaderBlock([0x00, 0x7F] + [UInt8](repeating: 0xFF, count: 8) + [0x7F])
        ),
        Self.broken("5.1", "a block that ends within an integer", HeaderBlock([0xFF, 0x80])),
        Self.broken("5.2", "a string longer than its block", HeaderBlock([0x00, 0x0A, 0x61])),
        Self.broken("5.2", "a block that ends before a value", HeaderBlock([0x00, 0x01, 0x61])),
        Self.broken("5.2", "Huffman padding of more than 7 bits", Self.huffman([0x1F, 0xFF])),
        Self.broken("5.2", "Huffman padding of zeros", Self.huffman([0x18])),
        Self.broken("5.2", "EOS in a Huffman string", Self.huffman([0xFF, 0xFF, 0xFF, 0xFF])),
        WireCase("7541 5.2", "Huffman padding of up to 7 ones is taken") { peer in
            // "a" is 00011.
            try peer.send(.headers(1, .request().raw(Self.huffman([0x1F]).bytes)))
            try peer.expectResponse(1)
        },
        WireCase("7541 5.2", "an empty string is taken, Huffman or not") { peer in
            try peer.send(.headers(1, .request().raw(Self.huffman([]).bytes).field("x-b", "")))
            try peer.expectResponse(1)
        },
    ]

    /// A field whose value is Huffman code.
    private static func huffman(_ code: [UInt8]) -> HeaderBlock {
        HeaderBlock([0x00] + HeaderBlock.text("x-a") + HeaderBlock.huffman(code))
    }

    private static func broken(
        _ section: String,
        _ what: String,
        _ block: HeaderBlock
    ) -> WireCase {
        WireCase("7541 \(section)", "\(what) ends the connection") { peer in
            try peer.send(.headers(1, block))
            try peer.expectConnectionError(.compression)
        }
    }
}
