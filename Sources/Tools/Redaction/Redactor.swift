// What of a tool's output is shown: everything but secrets.

import Glibc
public import PulserIR

/// Replaces secrets by `«secret NAME»`.
///
/// It looks for the exact values (from six characters on), each line of a value that has several,
/// a DSN's password, and their base64, percent-encoded and JSON-escaped forms.
public struct Redactor: Sendable {
    private struct Needle: Sendable {
        var bytes: [UInt8]
        var name: String
    }

    /// Longest first, so that of two secrets where one contains the other the longer is named.
    private let needles: [Needle]
    /// The longest form's length; a text cut closer to its end than this may end inside a secret.
    let needleBytesMax: Int

    /// Looks for these secrets, by name.
    public init(secrets: [String: String]) {
        var needles: [Needle] = []
        for (name, value) in secrets.sorted(by: { $0.key < $1.key }) {
            for bytes in SecretForms.all(of: value) {
                needles.append(Needle(bytes: bytes, name: name))
            }
        }
        needles.sort { ($1.bytes.count, $0.name) < ($0.bytes.count, $1.name) }
        self.needles = needles
        self.needleBytesMax = needles.first?.bytes.count ?? 0
    }

    /// `text` without secrets.
    public func redact(_ text: String) -> String {
        guard !self.needles.isEmpty else { return text }
        let bytes = Array(text.utf8)
        guard let redacted = self.redacted(bytes) else { return text }
        return String(decoding: redacted, as: UTF8.self)
    }

    /// `value` without secrets in any text or key.
    public func redact(_ value: JSONValue) -> JSONValue {
        guard !self.needles.isEmpty else { return value }
        return switch value {
        case .null, .bool: value
        case .integer, .number: self.redactNumber(value)
        case .string(let text): .string(self.redact(text))
        case .array(let items): .array(items.map { self.redact($0) })
        case .object(let members):
            .object(
                Dictionary(
                    members.map { (self.redact($0.key), self.redact($0.value)) },
                    uniquingKeysWith: { first, _ in first }
                )
            )
        }
    }

    /// A failure whose sentence holds no secret.
    public func redact(_ failure: ToolFailure) -> ToolFailure {
        var failure = failure
        failure.message = self.redact(failure.message)
        return failure
    }

    /// Whole bytes without secrets.
    func redact(_ bytes: [UInt8]) -> [UInt8] { self.redacted(bytes) ?? bytes }

    /// A secret made of digits turns into text where it appears as a number.
    private func redactNumber(_ value: JSONValue) -> JSONValue {
        let text = value.canonicalText
        let redacted = self.redact(text)
        return redacted == text ? value : .string(redacted)
    }

    /// `nil` when nothing was found, which is the common case and copies nothing.
    private func redacted(_ bytes: [UInt8]) -> [UInt8]? {
        var hits: [(range: Range<Int>, name: String)] = []
        for needle in self.needles {
            for range in Self.ranges(of: needle.bytes, in: bytes) {
                hits.append((range, needle.name))
            }
        }
        guard !hits.isEmpty else { return nil }
        hits.sort {
            ($0.range.lowerBound, $1.range.upperBound) < ($1.range.lowerBound, $0.range.upperBound)
        }
        var output: [UInt8] = []
        var position = 0
        var coveredUntil = 0
        for hit in hits {
            if hit.range.lowerBound >= coveredUntil {
                output += bytes[max(position, coveredUntil)..<hit.range.lowerBound]
                output += Array("«secret \(hit.name)»".utf8)
            }
            coveredUntil = max(coveredUntil, hit.range.upperBound)
            position = coveredUntil
        }
        output += bytes[coveredUntil...]
        return output
    }

    private static func ranges(of needle: [UInt8], in bytes: [UInt8]) -> [Range<Int>] {
        var found: [Range<Int>] = []
        guard let first = needle.first else { return found }
        bytes.withUnsafeBytes { haystack in
            guard let base = haystack.baseAddress else { return }
            var offset = 0
            while offset + needle.count <= haystack.count,
                let hit = memchr(
                    base + offset,
                    Int32(first),
                    haystack.count - offset - needle.count + 1
                )
            {
                let start = UnsafeRawPointer(hit) - base
                if memcmp(hit, needle, needle.count) == 0 {
                    found.append(start..<(start + needle.count))
                }
                offset = start + 1
            }
        }
        return found
    }
}
