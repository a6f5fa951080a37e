// How an HTTP action becomes a request, and its answer a result.

import AsyncHTTPClient
import FoundationEssentials
import NIOCore
import NIOHTTP1
import PulserIR

/// Sends one request and follows as many redirects as the plan allows.
struct HTTPTool: Sendable {
    let client: HTTPClient

    /// A request that is ready to be sent.
    private struct Prepared {
        var url: String
        var method: String
        /// In the order of their names; secret ones do not follow to another origin.
        var headers: [(name: String, value: String, isSecret: Bool)]
        var body: [UInt8]?
    }

    /// Sends the request and reads the answer.
    func run(_ action: HTTPAction, in context: ToolContext) async throws(ToolFailure) -> ToolResult
    {
        var request = try Self.prepare(action, in: context.scope)
        var redirectsLeft = action.redirectsMax
        while true {
            let response = try await self.send(request, in: context)
            guard redirectsLeft > 0, let location = Self.redirect(of: response) else {
                if action.redirectsMax > 0, Self.redirect(of: response) != nil {
                    throw ToolFailure(.error, "more than \(action.redirectsMax) redirects")
                }
                return try await self.read(response, in: context)
            }
            redirectsLeft -= 1
            try Self.follow(location, response.status.code, &request)
        }
    }

    // MARK: The request

    private static func prepare(
        _ action: HTTPAction,
        in scope: EvaluationScope
    ) throws(ToolFailure) -> Prepared {
        guard Self.isToken(action.method) else {
            throw ToolFailure(.error, "'\(action.method)' is no HTTP method")
        }
        let sink = Sink(scope: scope)
        var request = Prepared(
            url: try URLRendering.render(action.url, in: scope),
            method: action.method,
            headers: []
        )
        for (name, template) in action.headers.sorted(by: { $0.key < $1.key }) {
            guard Self.isToken(name) else {
                throw ToolFailure(.error, "'\(name)' is no name of a header")
            }
            let place = "header \(name)"
            let value = try sink.text(template, for: place, allowsSecrets: true)
            guard !value.utf8.contains(where: { $0 == 0x0D || $0 == 0x0A }) else {
                throw ToolFailure(.error, "\(place) holds a line break")
            }
            let isSecret = (try? template.render(in: scope))?.isTainted ?? true
            request.headers.append((name, value, isSecret))
        }
        switch action.body {
        case nil: break
        case .json(let template):
            request.body = try sink.value(template, for: "body").canonicalBytes
            if !request.headers.contains(where: { $0.name.lowercased() == "content-type" }) {
                request.headers.append(("content-type", "application/json", false))
            }
        case .raw(let template): request.body = Array(try sink.text(template, for: "body").utf8)
        }
        return request
    }

    /// RFC 9110, section 5.6.2.
    private static func isToken(_ text: String) -> Bool {
        let marks = Set("!#$%&'*+-.^_`|~".utf8)
        return !text.isEmpty
            && text.utf8.allSatisfy { byte in
                PercentEncoding.isUnreserved(byte) || marks.contains(byte)
            }
    }

    // MARK: The exchange

    private func send(
        _ prepared: Prepared,
        in context: ToolContext
    ) async throws(ToolFailure) -> HTTPClientResponse {
        var request = HTTPClientRequest(url: prepared.url)
        request.method = HTTPMethod(rawValue: prepared.method)
        for header in prepared.headers {
            request.headers.add(name: header.name, value: header.value)
        }
        if let body = prepared.body { request.body = .bytes(body) }
        do {
            let left = TimeAmount.nanoseconds(context.remaining.nanosecondsClamped)
            return try await self.client.execute(
                request,
                deadline: .now() + left,
                logger: context.logger
            )
        } catch {
            throw Self.failure(error, in: context)
        }
    }

    private func read(
        _ response: HTTPClientResponse,
        in context: ToolContext
    ) async throws(ToolFailure) -> ToolResult {
        let body: [UInt8]
        do {
            let buffer = try await response.body.collect(upTo: Limits.httpBodyBytesMax)
            body = Array(buffer.readableBytesView)
        } catch is NIOTooManyBytesError {
            let limit = Limits.httpBodyBytesMax >> 20
            throw ToolFailure(.error, "the answer's body is larger than \(limit) MiB")
        } catch {
            throw Self.failure(error, in: context)
        }
        var headers: [String: JSONValue] = [:]
        for header in response.headers {
            let name = header.name.lowercased()
            let before = headers[name]?.stringValue.map { $0 + ", " } ?? ""
            headers[name] = .string(before + header.value)
        }
        let type = headers["content-type"]?.stringValue ?? ""
        let status = Int64(response.status.code)
        return ToolResult(
            value: .object([
                "status": .integer(status),
                "headers": .object(headers),
                "body": .string(Self.text(body)),
                "json": Self.isJSON(type) ? (try? JSONValue(parsing: body)) ?? .null : .null,
                "bytes": .integer(Int64(body.count)),
            ]),
            badEnd: (500...599).contains(status) ? .serverError : nil
        )
    }

    /// Postgres holds no NUL.
    private static func text(_ bytes: [UInt8]) -> String {
        let text = String(decoding: bytes, as: UTF8.self)
        guard text.utf8.contains(0) else { return text }
        return String(
            String.UnicodeScalarView(text.unicodeScalars.map { $0 == "\0" ? "\u{FFFD}" : $0 })
        )
    }

    private static func isJSON(_ contentType: String) -> Bool {
        let type = contentType.prefix { $0 != ";" && $0 != " " }.lowercased()
        return type == "application/json"
            || (type.hasPrefix("application/") && type.hasSuffix("+json"))
    }

    // MARK: Redirects

    private static func redirect(of response: HTTPClientResponse) -> String? {
        guard [301, 302, 303, 307, 308].contains(response.status.code) else { return nil }
        return response.headers.first(name: "location")
    }

    /// RFC 9110, section 15.4: 303 always, 301 and 302 after POST go on with GET.
    private static func follow(
        _ location: String,
        _ status: UInt,
        _ request: inout Prepared
    ) throws(ToolFailure) {
        guard let base = URL(string: request.url),
            let target = URL(string: location, relativeTo: base)?.absoluteURL
        else { throw ToolFailure(.error, "the redirect's address is not valid") }
        let next = target.absoluteString
        try URLRendering.validate(next)
        if (status == 303 && request.method != "HEAD")
            || ((status == 301 || status == 302) && request.method == "POST")
        {
            request.method = "GET"
            request.body = nil
            request.headers.removeAll { $0.name.lowercased().hasPrefix("content-") }
        }
        if base.scheme != target.scheme || base.host() != target.host() || base.port != target.port
        {
            request.headers.removeAll {
                $0.isSecret || ["authorization", "cookie"].contains($0.name.lowercased())
            }
        }
        request.url = next
    }

    // MARK: Failures

    /// No address and no header in the sentence: both may hold what the log must not.
    private static func failure(_ error: any Error, in context: ToolContext) -> ToolFailure {
        if Task.isCancelled || error is CancellationError { return .cancelled }
        switch error as? HTTPClientError {
        case .deadlineExceeded, .readTimeout, .writeTimeout:
            return ToolFailure(
                .timeout,
                "the server did not answer in time",
                isOutcomeUnknown: true
            )
        case .connectTimeout:
            return ToolFailure(.network, "the server could not be reached in time")
        case .invalidURL, .emptyHost, .emptyScheme:
            return ToolFailure(.error, "url is not an absolute http or https address")
        case .some(let error):
            return ToolFailure(
                .network,
                "the exchange failed: \(error.shortDescription)",
                isOutcomeUnknown: true
            )
        case nil:
            if context.remaining == .zero {
                return ToolFailure(
                    .timeout,
                    "the server did not answer in time",
                    isOutcomeUnknown: true
                )
            }
            return ToolFailure(.network, "the server could not be reached or went away")
        }
    }
}

extension Duration {
    /// Nanoseconds, at most about 290 years.
    var nanosecondsClamped: Int64 {
        let (seconds, attoseconds) = self.components
        let (scaled, isTooLong) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        return isTooLong
            ? .max : scaled.addingReportingOverflow(attoseconds / 1_000_000_000).partialValue
    }
}
