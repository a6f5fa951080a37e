// Gathers the fields of one message as the library decodes them, within bounds.

import HTTPTypes

/// The fields of a head or of trailers, while they arrive.
struct FieldBlock {
    /// What was wrong with a field.
    enum Verdict {
        /// Nothing.
        case fine
        /// There are more or larger fields than allowed; the rest is not kept.
        case tooLarge
        /// The name or value cannot be represented.
        case malformed
    }

    var method: HTTPRequest.Method?
    var scheme: String?
    var authority: String?
    var path: String?
    var status = 0
    var fields = HTTPFields()
    /// Values of Host, which HTTPTypes wants as `:authority`.
    var hosts: [String] = []
    /// Bytes of names and values, and 32 for each field (RFC 9113, 6.5.2).
    private(set) var listBytes = 0
    /// Fields so far.
    private(set) var count = 0
    /// Whether something was left out.
    private(set) var isTooLarge = false

    /// Takes a field.
    mutating func add(
        _ name: UnsafeBufferPointer<UInt8>,
        _ value: UnsafeBufferPointer<UInt8>,
        names: FieldNames,
        listBytesMax: Int,
        countMax: Int
    ) -> Verdict {
        self.listBytes += name.count + value.count + 32
        self.count += 1
        guard self.listBytes <= listBytesMax, self.count <= countMax else {
            self.isTooLarge = true
            return .tooLarge
        }
        if unsafe name.first == UInt8(ascii: ":") {
            return unsafe self.addPseudo(name, value)
        }
        guard let name = unsafe names.name(name) else { return .malformed }
        if name.canonicalName == "host" {
            self.hosts.append(unsafe String(decoding: value, as: UTF8.self))
            return .fine
        }
        self.fields.append(unsafe HTTPField(name: name, value: value))
        return .fine
    }

    private mutating func addPseudo(
        _ name: UnsafeBufferPointer<UInt8>,
        _ value: UnsafeBufferPointer<UInt8>
    ) -> Verdict {
        switch (name.count, unsafe name[1]) {
        case (5, UInt8(ascii: "p")): self.path = unsafe String(decoding: value, as: UTF8.self)
        case (10, UInt8(ascii: "a")):
            self.authority = unsafe String(decoding: value, as: UTF8.self)
        case (7, UInt8(ascii: "m")):
            guard let method = unsafe Self.method(value) else { return .malformed }
            self.method = method
        case (7, UInt8(ascii: "s")):
            if unsafe name[2] == UInt8(ascii: "c") {
                self.scheme = unsafe String(decoding: value, as: UTF8.self)
            } else {
                self.status = unsafe Int(String(decoding: value, as: UTF8.self)) ?? 0
            }
        default: return .malformed
        }
        return .fine
    }

    private static func method(_ value: UnsafeBufferPointer<UInt8>) -> HTTPRequest.Method? {
        let text = unsafe String(decoding: value, as: UTF8.self)
        switch text {
        case "GET": return .get
        case "POST": return .post
        default: return HTTPRequest.Method(text)
        }
    }
}
