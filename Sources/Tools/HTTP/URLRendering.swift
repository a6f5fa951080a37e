// How values become parts of a URL: encoded by the position they stand at.

import FoundationEssentials
import PulserIR

/// Renders a URL template.
///
/// Literal text stays as it is. A value embedded in a path or query is percent-encoded as one
/// segment or one query value; in the authority only the letters of host names are allowed. A
/// value at the very beginning is a base address and stays as it is.
struct URLRendering {
    /// What a character of the address belongs to.
    private enum Position {
        case scheme
        case authority
        case path
        case query
        case fragment
    }

    private let sink: Sink
    private var text = ""

    private init(_ sink: Sink) { self.sink = sink }

    /// The absolute http or https address.
    ///
    /// - Throws: ``ToolFailure`` when a value does not fit its place or the address is not valid.
    static func render(
        _ template: Template,
        in scope: EvaluationScope
    ) throws(ToolFailure) -> String {
        var rendering = URLRendering(Sink(scope: scope))
        switch template.form {
        case .literal(.string(let text)): rendering.text = text
        case .expression(let expression):
            rendering.text = try rendering.sink.text(expression, for: "url")
        case .text(let segments):
            for segment in segments { try rendering.append(segment) }
        case .literal, .array, .object:
            throw ToolFailure(.error, "url must be text")
        }
        try Self.validate(rendering.text)
        return rendering.text
    }

    /// Refuses everything but an absolute http or https address without white space or controls.
    static func validate(_ text: String) throws(ToolFailure) {
        guard text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw ToolFailure(.error, "url holds white space, control or non-ASCII characters")
        }
        let lower = text.lowercased()
        guard lower.hasPrefix("http://") || lower.hasPrefix("https://"),
            let url = URL(string: text), let host = url.host(percentEncoded: true), !host.isEmpty
        else { throw ToolFailure(.error, "url is not an absolute http or https address") }
    }

    private mutating func append(_ segment: Template.Segment) throws(ToolFailure) {
        switch segment {
        case .text(let literal): self.text += literal
        case .expression(let expression):
            let value = try self.sink.text(expression, for: "url")
            if self.text.isEmpty {
                try Self.validate(value)
                self.text = value
            } else {
                self.text += try self.encoded(value)
            }
        }
    }

    private func encoded(_ value: String) throws(ToolFailure) -> String {
        switch self.position {
        case .scheme: throw ToolFailure(.error, "url: a value cannot be part of the scheme")
        case .authority:
            let isHost = value.utf8.allSatisfy { byte in
                PercentEncoding.isUnreserved(byte) && byte != UInt8(ascii: "_")
                    && byte != UInt8(ascii: "~")
            }
            guard isHost, !value.isEmpty else {
                throw ToolFailure(
                    .error,
                    "url: a value in the host may hold only letters, digits, '-' and '.'"
                )
            }
            return value
        case .path:
            guard value != ".", value != ".." else {
                throw ToolFailure(.error, "url: a value in the path may not be '.' or '..'")
            }
            return PercentEncoding.encode(value)
        case .query, .fragment: return PercentEncoding.encode(value)
        }
    }

    /// Where the text so far ends.
    private var position: Position {
        guard let scheme = self.text.firstRange(of: "://") else { return .scheme }
        var position = Position.authority
        for character in self.text[scheme.upperBound...].utf8 {
            switch (position, character) {
            case (.authority, UInt8(ascii: "/")): position = .path
            case (.authority, UInt8(ascii: "?")), (.path, UInt8(ascii: "?")): position = .query
            case (_, UInt8(ascii: "#")): return .fragment
            default: break
            }
        }
        return position
    }
}
