// Code, comments and string literals are told apart, functions found.

import Testing

@Suite("Scanners of Swift text")
struct ScannerTests {
    private let file = SourceFile(
        path: "Sources/A/A.swift",
        text: ##"""
            let a = "b\(c("d"))e" // f
            let g = """
                h "i" \
                """ /* k /* l */ m */ + n
            let o = #"p\(q)"\#(r)"#, s = /"t/, u = v / w
            """##
    )

    @Test("code keeps its columns; comments and the insides of literals are blank")
    func code() {
        let code = self.file.code.map { String($0.reversed().drop { $0 == " " }.reversed()) }
        #expect(
            code == [
                #"let a = "  (c(" ")) ""#,
                #"let g = """"#,
                "",
                #"    """                   + n"#,
                ##"let o = #"        (r)"#, s = /  /, u = v / w"##,
            ]
        )
    }

    @Test("comments are kept, nested ones to their end")
    func comments() {
        let comments = self.file.comments.map { $0.filter { $0 != " " } }
        #expect(comments == ["//f", "", "", "/*k/*l*/m*/", ""])
    }

    @Test("literals are listed with the line they begin on, inner ones first")
    func literals() {
        #expect(self.file.literals.map(\.line) == [1, 1, 2, 5])
        let texts = self.file.literals.map { $0.text.filter { !$0.isWhitespace } }
        #expect(texts == ["d", "be", "h\"i\"", "p\\(q)\""])
    }

    @Test("a function reaches from its first line to its closing brace")
    func functions() {
        let code = """
            protocol P {
                init(a: Int)
                func b()
            }
            struct S: P {
                public init(
                    a: Int = { 1 }()
                ) {
                    self.init(b: { }())
                }
                @inlinable static func b() where A: B { c() }
                subscript(a: Int) -> Int {
                    1
                }
            }
            """
        let lines = code.split(separator: "\n").map(String.init)
        #expect(FunctionScanner.functions(in: lines) == [6...10, 11...11, 12...14])
    }
}
