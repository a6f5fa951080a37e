// Lays out the fields of a message as the library wants them: one growing piece of memory, used again and again.

import CNghttp2
import HTTPTypes

/// Builds arrays of `nghttp2_nv`. What is submitted is copied by the library at once.
@safe final class FieldArena {
    private var bytes: UnsafeMutableRawPointer
    private var bytesCapacity = 4_096
    private var bytesCount = 0
    private var fields: UnsafeMutablePointer<nghttp2_nv>
    private var fieldsCapacity = 64
    private var fieldsCount = 0

    init() {
        unsafe self.bytes = UnsafeMutableRawPointer.allocate(
            byteCount: self.bytesCapacity,
            alignment: 1
        )
        unsafe self.fields = UnsafeMutablePointer<nghttp2_nv>.allocate(
            capacity: self.fieldsCapacity
        )
    }

    deinit {
        unsafe self.bytes.deallocate()
        unsafe self.fields.deallocate()
    }

    /// Lays out a response's head and hands it over.
    func with<Result>(
        _ response: HTTPResponse,
        _ body: (UnsafePointer<nghttp2_nv>, Int) -> Result
    ) -> Result {
        self.reset(for: response.headerFields, extraBytes: 16, extraFields: 1)
        let status = response.status.code
        self.append(":status")
        let split = self.bytesCount
        self.appendDecimal(status)
        self.end(nameBytes: 7, valueBytes: self.bytesCount - split, flags: 0)
        self.append(response.headerFields)
        return unsafe body(self.fields, self.fieldsCount)
    }

    /// Lays out a request's head and hands it over; authority and scheme must be there.
    func with<Result>(
        _ request: HTTPRequest,
        _ body: (UnsafePointer<nghttp2_nv>, Int) -> Result
    ) -> Result {
        let method = request.method.rawValue
        let scheme = request.scheme ?? "http"
        let path = request.path ?? "/"
        let authority = request.authority ?? ""
        let extra = method.utf8.count + scheme.utf8.count + path.utf8.count + authority.utf8.count
        self.reset(for: request.headerFields, extraBytes: extra + 64, extraFields: 4)
        self.append(name: ":method", value: method, flags: 0)
        self.append(name: ":scheme", value: scheme, flags: 0)
        if !authority.isEmpty { self.append(name: ":authority", value: authority, flags: 0) }
        self.append(name: ":path", value: path, flags: 0)
        self.append(request.headerFields)
        return unsafe body(self.fields, self.fieldsCount)
    }

    /// Lays out trailers and hands them over.
    func with<Result>(
        _ trailers: HTTPFields,
        _ body: (UnsafePointer<nghttp2_nv>, Int) -> Result
    ) -> Result {
        self.reset(for: trailers, extraBytes: 0, extraFields: 0)
        self.append(trailers)
        return unsafe body(self.fields, self.fieldsCount)
    }

    private func reset(for fields: HTTPFields, extraBytes: Int, extraFields: Int) {
        self.bytesCount = 0
        self.fieldsCount = 0
        var bytesNeeded = extraBytes
        for field in fields {
            bytesNeeded += field.name.canonicalName.utf8.count
            unsafe bytesNeeded += field.withUnsafeBytesOfValue { $0.count }
        }
        if bytesNeeded > self.bytesCapacity {
            unsafe self.bytes.deallocate()
            self.bytesCapacity = bytesNeeded * 2
            unsafe self.bytes = UnsafeMutableRawPointer.allocate(
                byteCount: self.bytesCapacity,
                alignment: 1
            )
        }
        let fieldsNeeded = fields.count + extraFields
        if fieldsNeeded > self.fieldsCapacity {
            unsafe self.fields.deallocate()
            self.fieldsCapacity = fieldsNeeded * 2
            unsafe self.fields = UnsafeMutablePointer<nghttp2_nv>.allocate(
                capacity: self.fieldsCapacity
            )
        }
    }

    /// Connection-specific fields mean nothing here and may not be sent (RFC 9113, 8.2.2).
    private static func isConnectionField(_ name: HTTPField.Name) -> Bool {
        switch name.canonicalName.utf8.count {
        case 10: name.canonicalName == "connection" || name.canonicalName == "keep-alive"
        case 7: name.canonicalName == "upgrade"
        case 16: name.canonicalName == "proxy-connection"
        case 17: name.canonicalName == "transfer-encoding"
        default: false
        }
    }

    private func append(_ fields: HTTPFields) {
        for field in fields where !Self.isConnectionField(field.name) {
            let isSecret =
                field.indexingStrategy == .disallow || field.indexingStrategy == .avoid
            self.append(field.name.canonicalName)
            let nameBytes = field.name.canonicalName.utf8.count
            let valueBytes = unsafe field.withUnsafeBytesOfValue { value in
                unsafe self.append(UnsafeRawBufferPointer(value))
                return value.count
            }
            let flags = isSecret ? UInt8(NGHTTP2_NV_FLAG_NO_INDEX.rawValue) : 0
            self.end(nameBytes: nameBytes, valueBytes: valueBytes, flags: flags)
        }
    }

    private func append(name: String, value: String, flags: UInt8) {
        self.append(name)
        self.append(value)
        self.end(nameBytes: name.utf8.count, valueBytes: value.utf8.count, flags: flags)
    }

    private func append(_ text: String) {
        var text = text
        text.withUTF8 { unsafe self.append(UnsafeRawBufferPointer($0)) }
    }

    private func append(_ source: UnsafeRawBufferPointer) {
        guard let base = source.baseAddress else { return }
        unsafe (self.bytes + self.bytesCount).copyMemory(from: base, byteCount: source.count)
        self.bytesCount += source.count
    }

    private func appendDecimal(_ number: Int) {
        var digits = (UInt8(0), UInt8(0), UInt8(0))
        digits.0 = UInt8(48 + number / 100 % 10)
        digits.1 = UInt8(48 + number / 10 % 10)
        digits.2 = UInt8(48 + number % 10)
        unsafe withUnsafeBytes(of: &digits) { unsafe self.append($0) }
    }

    private func end(nameBytes: Int, valueBytes: Int, flags: UInt8) {
        let start = unsafe (self.bytes + (self.bytesCount - nameBytes - valueBytes))
            .assumingMemoryBound(to: UInt8.self)
        unsafe (self.fields + self.fieldsCount).initialize(
            to: nghttp2_nv(
                name: start,
                value: start + nameBytes,
                namelen: nameBytes,
                valuelen: valueBytes,
                flags: flags
            )
        )
        self.fieldsCount += 1
    }
}
