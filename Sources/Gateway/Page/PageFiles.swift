// What the page's folder becomes: one version, its files, the style sheets as one, and the first document.

import NIOCore
import PulserIR

/// The page in memory.
struct PageFiles: Sendable {
    /// Changes with every byte of the folder; part of the address of its files, so these may be kept.
    let version: String
    /// The first document.
    let index: PageFile
    /// The other files by their paths.
    let assets: [String: PageFile]

    /// The modules that the browser is told of in the first document, with all they import.
    static let roots = ["app.js", "pages/board.js"]

    /// Why a folder is no page.
    struct Flaw: Error, CustomStringConvertible {
        let description: String
    }

    /// Makes a page of a folder's files.
    ///
    /// - Parameter files: By their paths in the folder.
    /// - Throws: ``Flaw`` when there is no first document.
    init(_ files: [String: ByteBuffer]) throws {
        guard let template = files["index.html"] else {
            throw Flaw(description: "the page's folder has no index.html")
        }
        let paths = files.keys.sorted()
        var all = ByteBuffer()
        for path in paths {
            guard var bytes = files[path] else { continue }
            all.writeString("\(path)\n\(bytes.readableBytes)\n")
            all.writeBuffer(&bytes)
        }
        let version = String(Digest(of: Array(all.readableBytesView)).hex.prefix(16))
        let modules = PageImports.closure(of: Self.roots) { path in
            files[path].map { String(buffer: $0) }
        }
        let preload = modules.map {
            "<link rel=\"modulepreload\" href=\"/assets/\(version)/\($0)\">"
        }
        let text = String(buffer: template).replacing("{{version}}", with: version)
            .replacing("{{preload}}", with: preload.joined(separator: "\n"))
        var styles = ByteBuffer()
        var assets: [String: PageFile] = [:]
        for path in paths where path != "index.html" {
            guard var bytes = files[path] else { continue }
            if Self.isStyle(path) {
                styles.writeBuffer(&bytes)
                styles.writeString("\n")
            } else {
                assets[path] = PageFile(path, bytes)
            }
        }
        assets["app.css"] = PageFile("app.css", styles)
        self.version = version
        self.index = PageFile("index.html", ByteBuffer(string: text))
        self.assets = assets
    }

    /// Whether a file is a part of the one style sheet.
    private static func isStyle(_ path: String) -> Bool {
        path.hasPrefix("style/") && path.hasSuffix(".css")
    }
}
