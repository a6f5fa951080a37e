// A started node serves its page, and the program opens it signed in.

import ControlRoom
import Foundation
import HTTPTypes
import PulserIR
import Testing

extension SystemTests {
    @Suite("The node's page", .timeLimit(.minutes(2)))
    struct PageServing {
        /// A folder with a small page.
        private static func folder(_ site: Site) throws -> [String: String] {
            let path = try site.makeFolder("page")
            for (name, text) in [
                ("index.html", "<title>Room</title><script src=\"/assets/{{version}}/app.js\">"),
                ("app.js", "export const greeting = 'hello';\n"),
            ] {
                try text.write(toFile: "\(path)/\(name)", atomically: true, encoding: .utf8)
            }
            return [PageFolder.overrideKey: path]
        }

        @Test("a node that was started serves its page, and says where")
        func serving() async throws {
            try await Site.with { site in
                let node = try await site.startNode(environment: try Self.folder(site))
                let server = try site.context().server
                try await eventually("the page is told") {
                    node.errorOutput.contains("page  \(server)/ui ")
                }
                try await APIClient.with(site) { api in
                    let page = try await api.with(token: nil).send(.get, "/ui/runs?status=failed")
                    #expect(page.status == 200)
                    let text = String(decoding: page.bytes, as: UTF8.self)
                    let match = try #require(text.firstMatch(of: /"(\/assets\/[^"]+)"/))
                    let script = try await api.with(token: nil).send(.get, String(match.1))
                    #expect(script.status == 200)
                    #expect(script.fields[.contentType]?.hasPrefix("text/javascript") == true)
                }
            }
        }

        @Test("the page is opened by an address whose code signs in once")
        func opening() async throws {
            try await Site.with { site in
                _ = try await site.startNode(environment: try Self.folder(site))
                let opened = try await site.run(["open", "--print"])
                #expect(opened.code == 0, "\(opened.error)")
                let server = try site.context().server
                let match = try #require(
                    opened.output.firstMatch(of: /^(.+)\/ui#code=([0-9a-z]{52})\n$/)
                )
                #expect(String(match.1) == server)
                let token = try #require(try site.context().token)
                #expect(!opened.output.contains(token))
                let body = JSONValue.object(["code": .string(String(match.2))])
                try await APIClient.with(site) { api in
                    let stranger = api.with(token: nil)
                    let first = try await stranger.send(.post, "/v1/browser-session", body)
                    #expect(first.status == 201 && first.json["csrf_token"] != nil)
                    let again = try await stranger.send(.post, "/v1/browser-session", body)
                    #expect(again.status == 401)
                }
            }
        }

        /// Notes how it was started and what it was to open, with the rights of both.
        private static let desktopProgram = """
            #!/bin/sh
            { echo "$#" "$*"; stat -c %a "$1" "${1%/*}"; cat "$1"; } >"$0.tmp" 2>&1
            mv "$0.tmp" "$0.got"
            """

        @Test("the desktop's program is given a file that leads to the page, and never the code")
        func desktop() async throws {
            try await Site.with { site in
                _ = try await site.startNode(environment: try Self.folder(site))
                let programs = try site.makeFolder("programs")
                let runtime = try site.makeFolder("runtime")
                let path = "\(programs)/xdg-open"
                try Self.desktopProgram.write(toFile: path, atomically: true, encoding: .utf8)
                try FileManager.default.setAttributes(
                    [.posixPermissions: 0o755],
                    ofItemAtPath: path
                )
                var environment = [
                    "PATH": "\(programs):/usr/local/bin:/usr/bin:/bin", "XDG_RUNTIME_DIR": runtime,
                ]
                let printed = try await site.run(["open"], environment: environment)
                #expect(printed.code == 0 && printed.output.contains("/ui#code="))
                environment["DISPLAY"] = ":0"
                let opened = try await site.run(["open"], environment: environment)
                #expect(opened.code == 0 && opened.output.isEmpty, "\(opened.output)")
                #expect(!opened.error.contains("code="))
                let got = URL(filePath: "\(path).got")
                try await eventually("it is opened") { (try? Data(contentsOf: got)) != nil }
                let lines = try String(contentsOf: got, encoding: .utf8)
                    .split(separator: "\n").map(String.init)
                let file = lines[0].dropFirst("1 ".count)
                #expect(lines[0].hasPrefix("1 \(runtime)/") && !lines[0].contains("code="))
                #expect(file.hasSuffix(".html"))
                #expect(lines[1...2] == ["600", "700"])
                let server = try site.context().server
                let words = lines.joined(separator: "\n")
                #expect(words.contains("content=\"0; url=\(server)/ui#code="), "\(words)")
                try await eventually("nothing is left of it", within: .seconds(40)) {
                    try FileManager.default.contentsOfDirectory(atPath: runtime).isEmpty
                }
            }
        }

        @Test("a node without the page's files works, and open says so")
        func absent() async throws {
            try await Site.with { site in
                let gone = [PageFolder.overrideKey: "\(site.folder)/gone"]
                let node = try await site.startNode(environment: gone)
                #expect(!node.errorOutput.contains("page  "))
                let opened = try await site.run(["open", "--print"])
                #expect(opened.code == 5 && opened.error.contains("serves no page"))
                let examined = try await site.run(["doctor"], environment: gone)
                #expect(examined.output.contains("page: \(site.folder)/gone has no index.html"))
            }
        }
    }
}
