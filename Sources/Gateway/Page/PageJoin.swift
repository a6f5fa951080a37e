// The first view's modules as one file: a browser spends some time on each request, whoever answers it.

/// Joins modules, without a tool that people would have to run: the folder keeps one module a file.
///
/// Each module becomes a function that is called once, in the order in which modules need each other, and
/// gives what it exports. Modules outside take what they import from there, so that each exists once. It
/// knows just what our modules have: statements that begin a line, `import { a, b as c } from`,
/// `import * as all from`, `export` before a declaration of one name, no variable that changes after
/// it was imported. Whatever else it finds is a ``PageFiles/Flaw``, and the modules are served one by one.
struct PageJoin: Sendable {
    /// The path of the joined file.
    static let path = "first.js"
    /// Changes with what this code makes of the same modules: it is part of the page's version.
    static let revision = "joined 1"

    /// What is in it.
    let paths: Set<String>
    /// Its text.
    let text: String

    /// Joins modules and all they import.
    ///
    /// - Parameters:
    ///   - roots: Paths of modules.
    ///   - module: Gives a module's text; `nil` when there is none.
    /// - Throws: ``PageFiles/Flaw``.
    init(_ roots: [String], module: (String) -> String?) throws(PageFiles.Flaw) {
        var order: [String] = []
        var modules: [PageModule] = []
        var open: Set<String> = []
        func visit(_ path: String) throws(PageFiles.Flaw) {
            if order.contains(path) { return }
            guard open.insert(path).inserted else {
                throw PageFiles.Flaw(description: "\(path) imports itself through others")
            }
            guard let text = module(path) else {
                throw PageFiles.Flaw(description: "\(path) is imported, but not there")
            }
            let module = try PageModule(path, text)
            for next in module.imported { try visit(next) }
            order.append(path)
            modules.append(module)
        }
        for root in roots { try visit(root) }
        let paths = Set(order)
        guard Set(order.map(Self.name)).count == order.count else {
            throw PageFiles.Flaw(description: "two of the first modules have names too much alike")
        }
        var text =
            "// Joined by the node from the modules named below; each lies beside this file's sources.\n"
        for module in modules { text += try module.joined(with: paths) }
        text += "export { \(order.map(Self.name).joined(separator: ", ")) };\n"
        self.paths = paths
        self.text = text
    }

    /// Joins the first modules of a page.
    ///
    /// - Parameter modules: Texts by their paths.
    /// - Returns: The joined file and the others; all as they were where there is no first one.
    /// - Throws: ``PageFiles/Flaw``.
    static func all(_ modules: [String: String]) throws(PageFiles.Flaw) -> [String: String] {
        let roots = PageFiles.roots.filter { modules[$0] != nil }
        guard roots.first == PageFiles.roots[0] else { return modules }
        let joined = try PageJoin(roots) { modules[$0] }
        var all = [Self.path: joined.text]
        for (path, text) in modules where !joined.paths.contains(path) {
            guard path != Self.path else {
                throw PageFiles.Flaw(description: "a file is called \(path) already")
            }
            all[path] = try joined.outside(path, text)
        }
        return all
    }

    /// A module outside that takes what it imports from the joined ones; its lines keep their numbers.
    ///
    /// - Throws: ``PageFiles/Flaw``.
    func outside(_ path: String, _ text: String) throws(PageFiles.Flaw) -> String {
        try PageModule(path, text).outside(self.paths)
    }

    /// What a module is called in the joined file: `pages/board.js` is `pages$board_js`.
    static func name(_ path: String) -> String {
        String(
            path.map { sign in
                sign == "/" ? "$" : sign.isASCII && (sign.isLetter || sign.isNumber) ? sign : "_"
            }
        )
    }
}
