// The endpoints of the web page: its first document, its files, and files of the distribution.

import HTTPTypes
import Hummingbird
import NIOCore

/// `/`, `/ui`, `/assets` and `/vendor`.
struct PageResource: Sendable {
    let page: Page?

    /// What the page may do: only what is its own, and no text becomes script.
    static let policy = [
        "default-src 'none'", "script-src 'self'", "style-src 'self'",
        "img-src 'self' data: blob:", "font-src 'self'", "connect-src 'self'",
        "frame-src 'self'", "base-uri 'none'", "form-action 'none'",
        "frame-ancestors 'none'", "require-trusted-types-for 'script'", "trusted-types opsroom",
    ].joined(separator: "; ")

    /// A worker has the policy of its own file.
    private static let modulePolicy =
        "default-src 'none'; script-src 'self'; connect-src 'self'; frame-ancestors 'none'"

    private static let permissions =
        "accelerometer=(), camera=(), geolocation=(), gyroscope=(), magnetometer=(), "
        + "microphone=(), payment=(), usb=()"

    /// Whoever asks for the server means its page.
    @Sendable
    func root(_ request: Request, _ context: GatewayContext) async throws -> Response {
        Response(status: .seeOther, headers: [.location: "/ui"])
    }

    /// The first document: one for all of the page's own paths.
    @Sendable
    func document(_ request: Request, _ context: GatewayContext) async throws -> Response {
        guard let files = self.page?.files else {
            return Response(
                status: .notFound,
                headers: [.contentType: "text/plain; charset=utf-8"],
                body: ResponseBody(byteBuffer: ByteBuffer(string: Self.absence))
            )
        }
        var fields: HTTPFields = [
            .contentSecurityPolicy: Self.policy, .cacheControl: "no-cache",
            .permissionsPolicy: Self.permissions,
        ]
        fields[.crossOriginOpenerPolicy] = "same-origin"
        return files.index.answer(request, fields)
    }

    /// A file of the page, under the version that the first document named.
    ///
    /// A tab that was opened before an upgrade, or by a node of another version behind the same
    /// balancer, asks under that version: it gets this one's file, and nobody keeps it.
    @Sendable
    func asset(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let version = try context.parameter("version")
        let parts = context.parameters.getCatchAll().map { Query.decode($0, plusIsSpace: false) }
        let path = parts.map { $0 ?? "" }.joined(separator: "/")
        guard let files = self.page?.files, let file = files.assets[path] else {
            throw Problem(
                .notFound,
                "the page has no file '\(path.prefix(64))'",
                next: "load the page again"
            )
        }
        var fields: HTTPFields = [
            .cacheControl: version == files.version
                ? "public, max-age=31536000, immutable" : "no-cache"
        ]
        if file.type.hasPrefix("text/javascript") {
            fields[.contentSecurityPolicy] = Self.modulePolicy
        }
        return file.answer(request, fields)
    }

    /// A file of the distribution.
    @Sendable
    func vendor(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let name = try context.parameter("name")
        guard let file = self.page?.vendor(name) else {
            let known = VendorFile.all.first { $0.name == name }
            throw Problem(
                .notFound,
                known == nil
                    ? "no file of that name is served" : "'\(name)' is not installed on this node",
                next: known.map { "apt-get install \($0.package)" }
                    ?? "opsroom doctor lists them"
            )
        }
        // Letters hardly ever change; what runs is asked for again after a day.
        let keeping =
            file.type.hasPrefix("font/")
            ? "public, max-age=604800" : "public, max-age=86400, stale-while-revalidate=604800"
        return file.answer(request, [.cacheControl: keeping])
    }

    private static let absence =
        "The page's files are not on this node; the API works. "
        + "Install them in share/opsroom/page, or name their folder in OPSROOM_PAGE.\n"
}
