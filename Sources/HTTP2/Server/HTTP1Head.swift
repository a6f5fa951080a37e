// Translates heads between HTTP/1.1 and the types shared with HTTP/2.

import HTTPTypes
import NIOCore
import NIOHTTP1

/// What a head of HTTP/1.1 means.
enum HTTP1Head {
    /// A request, or the status it is refused with.
    enum Reading {
        case request(HTTPRequest)
        case refused(Int, LimitName?)
    }

    /// Reads a request's head.
    static func read(_ head: HTTPRequestHead, limits: ConnectionLimits, isTLS: Bool) -> Reading {
        guard head.uri.utf8.count <= limits.requestLineBytesMax else {
            return .refused(414, .requestLine)
        }
        guard let method = HTTPRequest.Method(head.method.rawValue), head.method != .CONNECT else {
            return .refused(405, nil)
        }
        var fields = HTTPFields()
        var host: String?
        var bytes = 0
        for (name, value) in head.headers {
            bytes += name.utf8.count + value.utf8.count + 32
            guard let name = HTTPField.Name(name) else { return .refused(400, nil) }
            if name.canonicalName == "host" {
                guard host == nil else { return .refused(400, nil) }
                host = value
            } else {
                fields.append(HTTPField(name: name, value: value))
            }
        }
        guard bytes <= limits.headerListBytesMax, head.headers.count <= limits.headerFieldsMax
        else { return .refused(431, .headerList) }
        var path = head.uri
        // RFC 9112, 3.2.2: the absolute form names the host itself.
        if !path.hasPrefix("/"), let scheme = path.firstRange(of: "://") {
            let rest = path[scheme.upperBound...]
            let slash = rest.firstIndex { $0 == "/" || $0 == "?" } ?? rest.endIndex
            host = String(rest[..<slash])
            let tail = rest[slash...]
            path = tail.hasPrefix("/") ? String(tail) : "/" + tail
        }
        guard path.hasPrefix("/") || (path == "*" && method == .options) else {
            return .refused(400, nil)
        }
        // RFC 9112, 3.2: HTTP/1.1 demands exactly one Host.
        guard host != nil || head.version.minor == 0 else { return .refused(400, nil) }
        return .request(
            HTTPRequest(
                method: method,
                scheme: isTLS ? "https" : "http",
                authority: host,
                path: path,
                headerFields: fields
            )
        )
    }

    /// Writes the head of an answer.
    static func write(
        _ response: HTTPResponse,
        extra: [(StaticString, String)],
        into buffer: inout ByteBuffer
    ) {
        buffer.writeStaticString("HTTP/1.1 ")
        buffer.writeString("\(response.status.code)")
        buffer.writeStaticString(" ")
        buffer.writeString(response.status.reasonPhrase)
        buffer.writeStaticString("\r\n")
        self.write(response.headerFields, into: &buffer)
        for (name, value) in extra {
            buffer.writeStaticString(name)
            buffer.writeStaticString(": ")
            buffer.writeString(value)
            buffer.writeStaticString("\r\n")
        }
        buffer.writeStaticString("\r\n")
    }

    /// Writes fields, without those that the connection decides.
    static func write(_ fields: HTTPFields, into buffer: inout ByteBuffer) {
        for field in fields {
            switch field.name {
            case .connection, .transferEncoding: continue
            default: break
            }
            buffer.writeString(field.name.rawName)
            buffer.writeStaticString(": ")
            buffer.writeString(field.value)
            buffer.writeStaticString("\r\n")
        }
    }
}
