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
    /// Why its first modules are served one by one; `nil` while they are joined, or need not be.
    let flaw: Flaw?

    /// The modules that the first view needs, with all they import.
    static let roots = ["app.js", "pages/board.js"]

    /// Why a folder is no page.
    struct Flaw: Error, CustomStringConvertible {
        let description: String
    }

    /// Makes a page of a folder's files.
    ///
    /// - Parameters:
    ///   - files: By their paths in the folder.
    ///   - isJoined: Whether the first view's modules are one file; whoever writes them wants each alone.
    /// - Throws: ``Flaw`` when there is no first document.
    init(_ files: [String: ByteBuffer], isJoined: Bool = true) throws {
        guard let template = files["index.html"] else {
            throw Flaw(description: "the page's folder has no index.html")
        }
        let paths = files.keys.sorted()
        var all = ByteBuffer(string: "\(isJoined ? PageJoin.revision : "alone")\n")
        for path in paths {
            guard var bytes = files[path] else { continue }
            all.writeString("\(path)\n\(bytes.readableBytes)\n")
            all.writeBuffer(&bytes)
        }
        let version = String(Digest(of: Array(all.readableBytesView)).hex.prefix(16))
        var (modules, flaw) = ([String: String](), Flaw?.none)
        for path in paths where path.hasSuffix(".js") {
            modules[path] = files[path].map { String(buffer: $0) }
        }
        // A document that names its first module by itself wants that one.
        if isJoined, String(buffer: template).contains("{{entry}}") {
            do { modules = try PageJoin.all(modules) } catch { flaw = error }
        }
        let entry = modules[PageJoin.path] == nil ? Self.roots[0] : PageJoin.path
        let preload = PageImports.closure(of: entry == PageJoin.path ? [entry] : Self.roots) {
            modules[$0]
        }.map { "<link rel=\"modulepreload\" href=\"/assets/\(version)/\($0)\">" }
        let text = String(buffer: template).replacing("{{version}}", with: version)
            .replacing("{{entry}}", with: entry)
            .replacing("{{preload}}", with: preload.joined(separator: "\n"))
        var styles = ByteBuffer()
        var assets = modules.reduce(into: [String: PageFile]()) { files, module in
            files[module.key] = PageFile(module.key, ByteBuffer(string: module.value))
        }
        for path in paths where path != "index.html" && !path.hasSuffix(".js") {
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
        self.flaw = flaw
    }

    /// Whether a file is a part of the one style sheet.
    private static func isStyle(_ path: String) -> Bool {
        path.hasPrefix("style/") && path.hasSuffix(".css")
    }
}
