// The page is served from memory: strict about what it may do, kept for good by its version, and nothing else is.

import Foundation
import HTTPTypes
import NIOCore
import PulserIR
import Synchronization
import TestPeers
import Testing

@testable import Gateway

@Suite("The page's files")
struct PageResourceTests {
    private static let packed: HTTPFields = [.acceptEncoding: "br, gzip;q=0.5"]

    /// The version that the first document names.
    private static func version(_ bed: GatewayBed) async throws -> String {
        let text = try await bed.get("/ui").text
        let match = try #require(text.firstMatch(of: /\/assets\/([0-9a-f]{16})\/app\.js/))
        return String(match.output.1)
    }

    @Test("the page's own paths are one document that may run nothing but its own modules")
    func document() async throws {
        try await GatewayBed.with(page: PageFolders.source()) { bed in
            let root = try await bed.get("/")
            #expect(root.status == 303 && root.fields[.location] == "/ui")
            let first = try await bed.get("/ui")
            for path in ["/ui/", "/ui/runs/01J?tab=log", "/ui/runs?status=failed&q=a%20b"] {
                let answer = try await bed.get(path)
                #expect(answer.status == 200 && answer.bytes == first.bytes, "\(path)")
            }
            #expect(first.fields[.contentType] == "text/html; charset=utf-8")
            #expect(first.fields[.cacheControl] == "no-cache")
            #expect(first.fields[.xContentTypeOptions] == "nosniff")
            #expect(first.fields[.referrerPolicy] == "no-referrer")
            #expect(first.fields[.crossOriginOpenerPolicy] == "same-origin")
            #expect(first.fields[.permissionsPolicy]?.contains("camera=()") == true)
            let policy = try #require(first.fields[.contentSecurityPolicy])
            let parts = Set(policy.split(separator: "; ").map(String.init))
            #expect(
                parts.isSuperset(of: [
                    "default-src 'none'", "script-src 'self'", "style-src 'self'",
                    "frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'",
                    "require-trusted-types-for 'script'", "trusted-types opsroom",
                ])
            )
            #expect(!policy.contains("unsafe"))
        }
    }

    @Test("the first document names the version and every module that must be there to begin")
    func preload() async throws {
        try await GatewayBed.with(page: PageFolders.source()) { bed in
            let version = try await Self.version(bed)
            let text = try await bed.get("/ui").text
            #expect(!text.contains("{{"))
            let links = text.matches(of: /rel="modulepreload" href="\/assets\/[0-9a-f]+\/([^"]+)"/)
                .map { String($0.output.1) }
            let expected = [
                "app.js", "pages/board.js", "core/signal.js", "core/html.js", "parts/card.js",
            ]
            #expect(Set(links) == Set(expected) && links.count == expected.count)
            for path in links {
                #expect(try await bed.get("/assets/\(version)/\(path)").status == 200, "\(path)")
            }
        }
    }

    @Test(
        "files have their types and are kept for good; the style is one sheet in the order of names"
    )
    func assets() async throws {
        try await GatewayBed.with(page: PageFolders.source()) { bed in
            let version = try await Self.version(bed)
            let script = try await bed.get("/assets/\(version)/core/signal.js")
            #expect(script.status == 200 && script.text == PageFolders.small["core/signal.js"])
            #expect(script.fields[.contentType] == "text/javascript; charset=utf-8")
            #expect(script.fields[.cacheControl] == "public, max-age=31536000, immutable")
            #expect(script.fields[.vary] == "Accept-Encoding")
            let icon = try await bed.get("/assets/\(version)/icon.svg")
            #expect(icon.fields[.contentType] == "image/svg+xml")
            #expect(icon.fields[.contentSecurityPolicy]?.contains("default-src 'none'") == true)
            let sheet = try await bed.get("/assets/\(version)/app.css")
            #expect(sheet.fields[.contentType] == "text/css; charset=utf-8")
            #expect(sheet.text == "a { color: blue }\nb { color: red }\n")
            #expect(try await bed.get("/assets/\(version)/style/10-base.css").status == 404)
            #expect(try await bed.get("/assets/\(version)/index.html").status == 404)
        }
    }

    @Test("a tab of another version gets what this one has, to be asked for again each time")
    func otherVersions() async throws {
        try await GatewayBed.with(page: PageFolders.source()) { bed in
            let version = try await Self.version(bed)
            for path in ["pages/run.js", "app.css", "long.txt"] {
                let own = try await bed.get("/assets/\(version)/\(path)")
                let old = try await bed.get("/assets/0123456789abcdef/\(path)")
                #expect(old.status == 200 && old.bytes == own.bytes, "\(path)")
                #expect(old.fields[.cacheControl] == "no-cache")
                #expect(old.fields[.eTag] != nil && old.fields[.eTag] == own.fields[.eTag])
                #expect(old.fields[.contentSecurityPolicy] == own.fields[.contentSecurityPolicy])
                let again = try await bed.get(
                    "/assets/0123456789abcdef/\(path)",
                    [.ifNoneMatch: old.fields[.eTag] ?? ""]
                )
                #expect(again.status == 304 && again.fields[.cacheControl] == "no-cache")
            }
            let gone = try await bed.get("/assets/0123456789abcdef/pages/gone.js")
            #expect(gone.status == 404 && gone.fields[.cacheControl] == "no-store")
        }
    }

    @Test(
        "a path leads to nothing outside the folder",
        arguments: [
            "../index.html", "..%2f..%2fetc%2fpasswd", "%2e%2e/%2e%2e/etc/passwd",
            "core/../app.js", "core/%2e%2e/app.js", "/etc/passwd", "%00", "app.js%00.css",
            "app.js/", "..", "%ff", ".",
        ]
    )
    func traversal(_ path: String) async throws {
        try await GatewayBed.with(page: PageFolders.source()) { bed in
            let version = try await Self.version(bed)
            let answer = try await bed.get("/assets/\(version)/\(path)")
            // A slash at the end changes nothing of what is meant.
            let isSame = answer.text == PageFolders.small["app.js"]
            #expect(answer.status == 404 || isSame && path == "app.js/", "\(answer.text)")
            let vendor = try await bed.get("/vendor/\(path)")
            #expect(vendor.status == 404 || vendor.status == 400)
        }
    }

    @Test("text comes packed to who takes it, and as it is to who does not")
    func packing() async throws {
        try await GatewayBed.with(page: PageFolders.source()) { bed in
            let version = try await Self.version(bed)
            let path = "/assets/\(version)/long.txt"
            let plain = try await bed.get(path)
            #expect(plain.fields[.contentEncoding] == nil)
            #expect(plain.text == PageFolders.small["long.txt"])
            let packed = try await bed.get(path, Self.packed)
            #expect(packed.fields[.contentEncoding] == "gzip")
            #expect(packed.bytes.starts(with: [0x1f, 0x8b]))
            #expect(packed.bytes.count < plain.bytes.count / 10)
            #expect(packed.fields[.contentLength] == String(packed.bytes.count))
            #expect(packed.fields[.eTag] != plain.fields[.eTag])
            for refusal in ["gzip;q=0", "gzip; q=0.0", "br", "identity", ""] {
                let answer = try await bed.get(path, [.acceptEncoding: refusal])
                #expect(answer.fields[.contentEncoding] == nil, "\(refusal)")
            }
            // What would not shrink is sent as it is.
            let small = try await bed.get("/assets/\(version)/pages/run.js", Self.packed)
            #expect(small.fields[.contentEncoding] == nil)
        }
    }

    @Test("who has it is not sent it again, and who only looks gets no body")
    func tags() async throws {
        try await GatewayBed.with(page: PageFolders.source()) { bed in
            let version = try await Self.version(bed)
            for path in ["/ui", "/ui/runs", "/assets/\(version)/long.txt"] {
                for fields in [[:], Self.packed] as [HTTPFields] {
                    let answer = try await bed.get(path, fields)
                    var again = fields
                    again[.ifNoneMatch] = answer.fields[.eTag]
                    #expect(answer.fields[.eTag] != nil)
                    let known = try await bed.get(path, again)
                    #expect(known.status == 304 && known.bytes.isEmpty, "\(path)")
                    #expect(known.fields[.eTag] == answer.fields[.eTag])
                    again[.ifNoneMatch] = "\"other\""
                    #expect(try await bed.get(path, again).status == 200)
                    let head = try await bed.send(.head, path, fields)
                    #expect(head.status == 200 && head.bytes.isEmpty)
                    #expect(head.fields[.contentLength] == String(answer.bytes.count))
                }
            }
            let post = try await bed.send(.post, "/ui/runs")
            #expect(post.status == 405 && post.fields[.allow]?.contains("GET") == true)
        }
    }

    @Test("files of the distribution are served by name; one that is not there says its package")
    func vendor() async throws {
        let reads = Mutex(0)
        var source = PageFolders.source()
        source.vendor = { file in
            guard file.name != "marked.js" else { return nil }
            reads.withLock { $0 += 1 }
            return ByteBuffer(repeating: 0x61, count: 10_000)
        }
        let page = source
        try await GatewayBed.with(page: page) { bed in
            for _ in 0..<3 {
                let font = try await bed.get("/vendor/inter.ttf", Self.packed)
                #expect(font.status == 200 && font.fields[.contentType] == "font/ttf")
                #expect(font.fields[.contentEncoding] == "gzip")
                #expect(font.fields[.cacheControl] == "public, max-age=604800")
                let tag = try #require(font.fields[.eTag])
                let known = try await bed.get("/vendor/inter.ttf", [.ifNoneMatch: tag])
                #expect(known.status == 304 && known.bytes.isEmpty)
            }
            let script = try await bed.get("/vendor/diff.js")
            #expect(script.fields[.cacheControl]?.contains("max-age=86400,") == true)
            let missing = try await bed.get("/vendor/marked.js")
            #expect(missing.status == 404 && missing.code == "not_found")
            #expect(missing.text.contains("apt-get install libjs-marked"))
            #expect(try await bed.get("/vendor/marked.js").status == 404)
            #expect(try await bed.get("/vendor/passwd").status == 404)
        }
        let count = reads.withLock { $0 }
        #expect(count == 2)
    }

    @Test("without the page's files there is a sentence, and the API works")
    func absent() async throws {
        let broken = PageFolders.source(["app.js": ""])
        for page in [nil, broken] {
            try await GatewayBed.with(page: page) { bed in
                let answer = try await bed.get("/ui/runs")
                #expect(answer.status == 404)
                #expect(answer.fields[.contentType] == "text/plain; charset=utf-8")
                #expect(answer.text.contains("OPSROOM_PAGE"))
                #expect(try await bed.get("/assets/x/app.js").status == 404)
                #expect(try await bed.get("/healthz").status == 200)
            }
        }
    }

    @Test("while somebody writes the page every load has what is there now, and is read once")
    func live() async throws {
        let folder = PageFolders.Written()
        try await GatewayBed.with(page: folder.source) { bed in
            let first = try await Self.version(bed)
            _ = try await bed.get("/assets/\(first)/app.js")
            #expect(folder.readCount == 1)
            folder.files.withLock { $0["pages/run.js"] = "export default 2;\n" }
            let second = try await Self.version(bed)
            #expect(first != second)
            // A page that is open asks for modules under the version it was loaded with.
            let late = try await bed.get("/assets/\(first)/pages/run.js")
            #expect(late.text == "export default 2;\n")
            #expect(late.fields[.cacheControl] == "no-cache")
            #expect(folder.readCount == 2)
        }
    }

    @Test("the page is for the hosts of the API, and over a connection it is the same")
    func hosts() async throws {
        try await GatewayBed.with(
            access: AccessTests.access { _ in },
            page: PageFolders.source()
        ) { bed in
            #expect(try await bed.get("/ui").status == 200)
            let odd = try await bed.get("/ui", authority: "evil.example")
            #expect(odd.status == 421)
        }
        try await GatewayBed.with(.live, page: PageFolders.source()) { bed in
            let version = try await Self.version(bed)
            let packed = try await bed.get("/assets/\(version)/long.txt", Self.packed)
            #expect(packed.fields[.contentEncoding] == "gzip")
            #expect(packed.bytes.starts(with: [0x1f, 0x8b]))
            let curl = try Peer.curl.required()
            for option in ["--http1.1", "--http2-prior-knowledge"] {
                let process = Process()
                let output = Pipe()
                process.executableURL = URL(filePath: curl[0])
                process.arguments = [
                    "--silent", "--compressed", "--max-time", "30", option,
                    "http://127.0.0.1:\(bed.port)/assets/\(version)/long.txt",
                ]
                process.standardOutput = output
                try process.run()
                let bytes = try output.fileHandleForReading.readToEnd() ?? Data()
                process.waitUntilExit()
                let text = String(decoding: bytes, as: UTF8.self)
                #expect(text == PageFolders.small["long.txt"], "\(option)")
            }
        }
    }
}
