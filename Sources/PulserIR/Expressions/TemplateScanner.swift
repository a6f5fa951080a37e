// Where in a text the expressions are.

/// Finds `{{ }}` in text; a `}}` inside single quotes does not end an expression.
package enum TemplateScanner {
    /// A piece of a text.
    package enum Piece: Sendable, Hashable {
        /// Text as it is.
        case text(String)
        /// The source between the braces, and its byte offset in the text.
        case expression(String, offset: Int)
    }

    /// The pieces of `text` in order.
    package static func pieces(of text: String) throws(ExpressionError) -> [Piece] {
        let bytes = Array(text.utf8)
        var pieces: [Piece] = []
        var index = 0
        var start = 0
        while index + 1 < bytes.count {
            guard bytes[index] == 0x7B, bytes[index + 1] == 0x7B else {
                index += 1
                continue
            }
            if start < index {
                pieces.append(.text(String(decoding: bytes[start..<index], as: UTF8.self)))
            }
            guard let end = Self.end(of: bytes, from: index + 2) else {
                throw ExpressionError(
                    message: "'{{' is never closed",
                    offset: index,
                    hint: "close it with '}}'; two braces as text are written {{ '{{' }}"
                )
            }
            let source = String(decoding: bytes[(index + 2)..<end], as: UTF8.self)
            pieces.append(.expression(source, offset: index + 2))
            index = end + 2
            start = index
        }
        if start < bytes.count {
            pieces.append(.text(String(decoding: bytes[start...], as: UTF8.self)))
        }
        return pieces
    }

    /// A text whose only expressions are quoted braces, so that it yields `text`.
    static func escaped(_ text: String) -> String {
        let bytes = Array(text.utf8)
        var result: [UInt8] = []
        var index = 0
        while index < bytes.count {
            if bytes[index] == 0x7B, index + 1 < bytes.count, bytes[index + 1] == 0x7B {
                result.append(contentsOf: "{{ '{{' }}".utf8)
                index += 2
            } else {
                result.append(bytes[index])
                index += 1
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    private static func end(of bytes: [UInt8], from start: Int) -> Int? {
        var isQuoted = false
        var index = start
        while index < bytes.count {
            if bytes[index] == 0x27 {
                isQuoted.toggle()
            } else if !isQuoted, bytes[index] == 0x7D, index + 1 < bytes.count,
                bytes[index + 1] == 0x7D
            {
                return index
            }
            index += 1
        }
        return nil
    }
}
