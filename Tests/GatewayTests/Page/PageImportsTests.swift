// What a module imports at once is found in its text; what it imports later, or only mentions, is not.

import Testing

@testable import Gateway

@Suite("What modules import")
struct PageImportsTests {
    @Test(
        "imports that begin a line count, whatever their form",
        arguments: [
            ("import './a.js'", ["./a.js"]),
            ("import a from \"./a.js\";", ["./a.js"]),
            ("  import * as a from '../b/a.js';", ["../b/a.js"]),
            ("import{a}from'./a.js';export{b}", ["./a.js"]),
            ("export { a } from './a.js'\nexport * from \"./b.js\"", ["./a.js", "./b.js"]),
            (
                "import {\n  a,\n  b as c,\n} from './a.js';\nimport './b.js';",
                ["./a.js", "./b.js"]
            ),
            ("export {\n  a,\n};\nimport './b.js'", ["./b.js"]),
            ("const a = await import('./a.js');", []),
            ("import('./a.js');", []),
            ("export const a = './a.js';", []),
            ("export default { a: './a.js' };", []),
            ("// import './a.js'\n * import './b.js'", []),
            ("import a from '/vendor/a.js'; import b from 'b';", []),
            ("important('./a.js')", []),
        ]
    )
    func names(_ text: String, _ names: [String]) {
        #expect(PageImports.names(in: text) == names)
    }

    @Test("a relative name is meant from the module's folder and does not leave the page's")
    func resolving() {
        #expect(PageImports.resolve("./a.js", from: "b/c.js") == "b/a.js")
        #expect(PageImports.resolve("../a.js", from: "b/c.js") == "a.js")
        #expect(PageImports.resolve("../../a.js", from: "b/c.js") == nil)
    }

    @Test("modules that import each other are named once")
    func circles() {
        let modules = ["a.js": "import './b.js'", "b.js": "import './a.js'\nimport './gone.js'"]
        #expect(PageImports.closure(of: ["a.js"]) { modules[$0] } == ["a.js", "b.js"])
    }
}
