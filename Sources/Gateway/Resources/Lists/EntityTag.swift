// Tells whether somebody saw what is there now: entity tags and the fields that compare them.

import HTTPTypes
import Hummingbird
import PulserIR
import Store

/// A strong entity tag (RFC 9110, 8.8.3).
struct EntityTag: Sendable, Hashable {
    /// The text between the quotes. What can be edited comes before a `.`, the rest of the document
    /// behind it: an editor is refused when the former changed, a reader gets a new copy when any did.
    let text: String

    /// The tag of a document that nobody edits by hand.
    init(_ json: JSONValue) { self.text = Self.mark(json.canonicalBytes) }

    /// The tag of a document with a revision.
    init(revision: Int64, _ json: JSONValue) {
        self.text = "\(revision).\(Self.mark(json.canonicalBytes))"
    }

    /// The tag of bytes known by digest.
    init(_ digest: Digest) { self.text = digest.hex }

    /// The tag of something by all that can change about it.
    init(edited: String, _ json: JSONValue) {
        self.text = "\(edited).\(Self.mark(json.canonicalBytes))"
    }

    /// As it stands in a field.
    var field: String { "\"\(self.text)\"" }

    private static func mark(_ bytes: [UInt8]) -> String {
        String(Digest(of: bytes).hex.prefix(20))
    }
}

extension Request {
    /// Whether the caller has this already (`if-none-match`).
    func has(_ tag: EntityTag) -> Bool {
        guard let text = self.headers[.ifNoneMatch] else { return false }
        // A weak tag is as good here: whoever packed the answer on its way may have weakened it.
        return Self.tags(text, takingWeak: true).contains { $0 == "*" || $0 == tag.text }
    }

    /// The edited parts of the tags in `if-match`; `nil` when the caller does not compare.
    ///
    /// - Throws: `badRequest` when the field holds no tag.
    func expectedEdits() throws(Problem) -> [String]? {
        guard let text = self.headers[.ifMatch] else { return nil }
        // A weak tag never equals a strong one: it is left out.
        let tags = Self.tags(text)
        if tags.contains("*") { return nil }
        guard !Self.tags(text, takingWeak: true).isEmpty else {
            throw Problem(
                .badRequest,
                "if-match holds no entity tag",
                next: "send the etag of the answer that was edited"
            )
        }
        return tags.map { String($0.prefix { $0 != "." }) }
    }

    /// The revision that an edit is meant for, by `if-match`; `nil` when the caller does not compare.
    ///
    /// - Parameter revision: What it has now; `nil` when there is no such thing.
    /// - Returns: The revision to compare with when it is written.
    /// - Throws: `preconditionFailed` when none of the tags is that of now.
    func expectedRevision(of revision: Int64?) throws(Problem) -> Int64? {
        guard self.headers[.ifMatch] != nil else { return nil }
        guard let revision else { throw Problem.edited }
        guard let edits = try self.expectedEdits() else { return nil }
        guard edits.contains(String(revision)) else { throw Problem.edited }
        return revision
    }

    /// The texts between quotes, and `*`.
    private static func tags(_ text: String, takingWeak: Bool = false) -> [String] {
        text.split(separator: ",").compactMap { part in
            var tag = part.drop { $0 == " " || $0 == "\t" }
            while tag.last == " " || tag.last == "\t" { tag.removeLast() }
            if tag == "*" { return "*" }
            if takingWeak, tag.hasPrefix("W/") { tag = tag.dropFirst(2) }
            guard tag.count >= 2, tag.first == "\"", tag.last == "\"" else { return nil }
            return String(tag.dropFirst().dropLast())
        }
    }
}

extension Response {
    /// A document with its tag; without a body when the caller has it.
    static func document(
        _ json: JSONValue,
        _ tag: EntityTag,
        for request: Request,
        fields: HTTPFields = [:]
    ) -> Response {
        var fields = fields
        fields[.eTag] = tag.field
        if fields[.cacheControl] == nil { fields[.cacheControl] = "private, no-cache" }
        if request.has(tag) { return Response(status: .notModified, headers: fields) }
        return .json(json, fields: fields)
    }
}

extension Problem {
    /// Somebody else was faster.
    static var edited: Problem {
        Problem(
            .preconditionFailed,
            "it was changed since it was read",
            next: "read it again, and make the change to what it is now"
        )
    }

    /// Runs an edit: a stale one is a failed precondition.
    static func editing<Value>(_ body: () async throws(StoreError) -> Value) async throws -> Value {
        do {
            return try await body()
        } catch {
            if error.code == .stale { throw Problem.edited }
            throw error
        }
    }
}
