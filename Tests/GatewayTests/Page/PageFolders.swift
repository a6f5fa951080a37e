// Decides what a page's folder looks like in tests: small, in memory, with everything that is treated apart.

import Gateway
import NIOCore
import PulserIR
import Synchronization

/// Folders of a page that exist in memory only.
enum PageFolders {
    /// Two roots, what they import, a style in two parts, a picture, and a text worth packing.
    static let small: [String: String] = [
        "index.html": """
        <!doctype html><title>Room</title>{{preload}}
        <link rel="stylesheet" href="/assets/{{version}}/app.css">
        <script type="module" src="/assets/{{version}}/{{entry}}"></script>
        """,
        "app.js": """
        import { signal } from "./core/signal.js";
        import {
          a,
          b,
        } from './core/html.js';
        export const later = () => import("./pages/run.js");
        """,
        "core/signal.js": "export const signal = 1;\n",
        "core/html.js": "import \"../core/signal.js\";\nexport const text = \"./no.js\";\n",
        "pages/board.js": "export * from '../parts/card.js';\n",
        "pages/run.js": "export default 1;\n",
        "parts/card.js": "// import \"./never.js\"\nexport function card() { return 1; }\n",
        "style/20-parts.css": "b { color: red }",
        "style/10-base.css": "a { color: blue }",
        "icon.svg": "<svg xmlns=\"http://www.w3.org/2000/svg\"/>",
        "long.txt": String(repeating: "the same again and again\n", count: 400),
    ]

    /// Gives these files.
    static func source(_ files: [String: String] = Self.small) -> PageSource {
        PageSource { files.mapValues { ByteBuffer(string: $0) } }
    }

    /// A folder that somebody writes in while it is served.
    final class Written: Sendable {
        let files = Mutex(PageFolders.small)
        private let reads = Mutex(0)

        var readCount: Int { self.reads.withLock { $0 } }

        var source: PageSource {
            var source = PageSource {
                self.reads.withLock { $0 += 1 }
                return self.files.withLock { $0 }.mapValues { ByteBuffer(string: $0) }
            }
            source.stamp = { self.files.withLock { $0 }.hashValue }
            return source
        }
    }
}
