// How every list is paged: a limit, a cursor nobody needs to understand, and where the next page is.

import FoundationEssentials
import HTTPTypes
import Hummingbird
import PulserIR

/// What a request asks of a list.
struct ListWindow: Sendable {
    /// Rows of one page.
    static let limitMax = 200
    /// Rows of a page nobody asked a size for.
    static let limitDefault = 50

    /// Rows at most.
    let limit: Int
    /// The parts of the cursor; empty for the first page.
    let cursor: [String]
    private let name: String
    private let path: String
    private let pairs: [Substring]

    /// Reads `limit` and `cursor`.
    ///
    /// - Parameters:
    ///   - name: Of the list; a cursor of another one is refused.
    ///   - parts: How many parts its cursors have.
    ///   - query: The request's query.
    ///   - request: The request.
    /// - Throws: `invalidParameter`.
    init(
        _ name: String,
        parts: Int = 1,
        _ query: inout Query,
        _ request: Request
    ) throws(Problem) {
        let limit = try query.integer("limit", in: 1...Int64(Self.limitMax))
        self.limit = limit.map { Int($0) } ?? Self.limitDefault
        self.name = name
        self.path = request.uri.path
        self.pairs = (request.uri.query ?? "").split(separator: "&")
            .filter { !$0.hasPrefix("cursor=") }
        guard let text = try query.text("cursor") else {
            self.cursor = []
            return
        }
        guard let read = Self.read(text), read.first == name, read.count == parts + 1 else {
            throw Query.problem(
                "cursor",
                "the cursor is not one that this list gave",
                next: "begin again without a cursor"
            )
        }
        self.cursor = Array(read.dropFirst())
    }

    /// The cursor as a number.
    ///
    /// - Throws: `invalidParameter` when it is none.
    func number() throws(Problem) -> Int64? {
        guard let text = self.cursor.first else { return nil }
        guard let number = Int64(text) else {
            throw Query.problem("cursor", "the cursor is not one that this list gave")
        }
        return number
    }

    /// The answer of a page.
    ///
    /// - Parameters:
    ///   - member: The member that holds the rows.
    ///   - rows: The rows.
    ///   - next: The parts of the next page's cursor; `nil` when this is the last.
    ///   - more: More members.
    /// - Returns: The answer.
    func answer(
        _ member: String,
        _ rows: [JSONValue],
        next: [String]?,
        _ more: [String: JSONValue] = [:]
    ) -> Response {
        var members = more
        members["version"] = .integer(1)
        members[member] = .array(rows)
        let cursor = next.map { Self.text([self.name] + $0) }
        members["next"] = cursor.map { .string($0) } ?? .null
        var fields: HTTPFields = [:]
        if let cursor {
            let query = (self.pairs + ["cursor=\(cursor)"]).joined(separator: "&")
            fields[.link] = "<\(self.path)?\(query)>; rel=\"next\""
        }
        return .json(.object(members), fields: fields)
    }

    private static func text(_ parts: [String]) -> String {
        let bytes = JSONValue.array(parts.map { .string($0) }).canonicalBytes
        return Data(bytes).base64EncodedString()
            .replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }

    private static func read(_ text: String) -> [String]? {
        var plain = text.replacing("-", with: "+").replacing("_", with: "/")
        while plain.utf8.count % 4 != 0, plain.utf8.count < 2_048 { plain.append("=") }
        guard let data = Data(base64Encoded: plain),
            let values = (try? JSONValue(parsing: Array(data)))?.arrayValue
        else { return nil }
        let texts = values.compactMap(\.stringValue)
        return texts.count == values.count ? texts : nil
    }
}
