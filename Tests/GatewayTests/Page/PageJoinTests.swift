// The first view's modules as one file: what becomes of their imports and exports, and what is refused.

import Foundation
import NIOCore
import Testing

@testable import Gateway

@Suite("The first modules as one file")
struct PageJoinTests {
    /// A page with everything that our modules have.
    private static let modules: [String: String] = [
        "app.js": """
        // @ts-check
        import * as clock from "./core/clock.js";
        import { a, b as c } from "./core/signal.js";
        export const name = "a  b";
        /** @type {import("./core/signal.js").Kind} */
        const later = () => import("./pages/board.js");
        const other = () => import("./pages/run.js");
        """,
        "core/clock.js": "export function now() { return 1; }\n",
        "core/signal.js": """
        import {
          now,
        } from "./clock.js";
        export class a {}
        export async function b() { return now(); }
        """,
        "pages/board.js":
            "import { name } from \"../app.js\";\nexport default function board() {}\n",
        "pages/run.js": """
        import {
          a,
          b as c,
        } from "../core/signal.js";
        import * as clock from "../core/clock.js";
        import { own } from "./run/own.js";
        const later = () => import("../pages/board.js");
        """,
        "pages/run/own.js": "import { a } from \"../../core/signal.js\";\nexport const own = 1;\n",
    ]

    @Test("modules come before those that need them, each a function that gives what it exports")
    func joined() throws {
        let text = try #require(try PageJoin.all(Self.modules)[PageJoin.path])
        let places = ["core/clock.js", "core/signal.js", "app.js", "pages/board.js"].map {
            text.range(of: "// \($0)\n")?.lowerBound
        }
        #expect(
            places.allSatisfy { $0 != nil }
                && places.compactMap(\.self) == places.compactMap(\.self).sorted()
        )
        #expect(!text.contains("// pages/run.js"))
        for line in [
            "const core$signal_js = (() => {", "const { now } = core$clock_js;", "return { a, b };",
            "const clock = core$clock_js;", "const { a, b: c } = core$signal_js;",
            "const name = \"a  b\";", "/** @type {import(\"./core/signal.js\").Kind} */",
            "const later = () => Promise.resolve().then(() => pages$board_js);",
            "const other = () => import(\"./pages/run.js\");", "function board() {}",
            "return { default: board };",
            "export { core$clock_js, core$signal_js, app_js, pages$board_js };",
        ] {
            #expect(text.contains("\n\(line)\n"), "\(line)")
        }
    }

    @Test("a module outside takes from the joined file, and its lines keep their numbers")
    func outside() throws {
        let all = try PageJoin.all(Self.modules)
        let lines = try #require(all["pages/run.js"]).split(
            separator: "\n",
            omittingEmptySubsequences: false
        )
        #expect(
            lines == [
                "import { core$signal_js as joined$1 } from \"../first.js\"; const { a, b: c } = joined$1;",
                "", "", "",
                "import { core$clock_js as clock } from \"../first.js\";",
                "import { own } from \"./run/own.js\";",
                "const later = () => import(\"../first.js\").then((all) => all.pages$board_js);",
            ]
        )
        #expect(all["pages/run/own.js"]?.contains("from \"../../first.js\";") == true)
        #expect(Set(all.keys) == [PageJoin.path, "pages/run.js", "pages/run/own.js"])
    }

    @Test(
        "what is not known is refused with its place, and the modules are served one by one",
        arguments: [
            (
                "export let count = 1;",
                "app.js cannot be joined with the others: export let count = 1;"
            ),
            ("export { a };", "app.js cannot be joined with the others: export { a };"),
            ("export * from \"./core/clock.js\";", "app.js cannot be joined"),
            ("import a from \"./core/clock.js\";", "app.js cannot be joined"),
            ("import { now } from './core/clock.js';", "app.js cannot be joined"),
            ("import { now } from \"https://example.org/a.js\";", "app.js cannot be joined"),
            ("import { now\nfrom nowhere", "app.js cannot be joined"),
            ("  import { now } from \"./core/clock.js\";", "app.js cannot be joined"),
            ("import{ now } from \"./core/clock.js\";", "app.js cannot be joined"),
            ("export{ now };", "app.js cannot be joined"),
            ("  export const a = 1;", "app.js cannot be joined"),
            ("const later = () => import('./core/clock.js');", "app.js cannot be joined"),
            ("const own = import.meta.url;", "app.js cannot be joined"),
            ("import { own } from \"./gone.js\";", "gone.js is imported, but not there"),
            ("import { own } from \"./pages/circle.js\";", "app.js imports itself through others"),
        ]
    )
    func refused(_ text: String, _ words: String) throws {
        var modules = Self.modules
        modules["app.js"] = text
        modules["pages/circle.js"] = "import { name } from \"../app.js\";\n"
        modules["pages/board.js"] = ""
        var files = modules.mapValues { ByteBuffer(string: $0) }
        files["index.html"] = ByteBuffer(string: "{{entry}} {{preload}}")
        let page = try PageFiles(files)
        #expect(
            page.flaw?.description.hasPrefix(words) == true,
            "\(page.flaw?.description ?? "none")"
        )
        #expect(page.assets[PageJoin.path] == nil && page.assets["app.js"] != nil)
    }

    @Test("the page's own modules are joined; whoever writes them has each alone")
    func own() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../../Sources/WebUI/assets").standardizedFileURL
        var files: [String: ByteBuffer] = [:]
        let found = try #require(FileManager.default.enumerator(atPath: root.path))
        while let path = found.nextObject() as? String {
            guard path.contains("."),
                let data = FileManager.default.contents(atPath: "\(root.path)/\(path)")
            else { continue }
            files[path] = ByteBuffer(bytes: data)
        }
        let page = try PageFiles(files)
        #expect(page.flaw == nil, "\(page.flaw?.description ?? "")")
        #expect(page.assets[PageJoin.path] != nil && page.assets["app.js"] == nil)
        let alone = try PageFiles(files, isJoined: false)
        #expect(alone.assets[PageJoin.path] == nil && alone.assets["core/html.js"] != nil)
        // Else what a browser kept of the one would load the other beside it.
        #expect(alone.version != page.version)
    }
}
