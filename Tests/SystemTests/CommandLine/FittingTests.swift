// Decides that what is shown on a terminal fits into its lines: what wraps is painted over wrongly.

import Testing

@testable import opsroom

extension SystemTests {
    @Suite("What fits into a line")
    struct Fitting {
        private static var table: Table {
            var table = Table(headers: ["NAME", "STATUS", "ADDRESS"])
            table.rows = [["n1", "active", "a.example:7461"], ["node-2", "draining", "b"]]
            return table
        }

        @Test("a table has its columns one below the other")
        func whole() {
            #expect(
                Self.table.lines(edge: .max) == [
                    "NAME    STATUS    ADDRESS",
                    "n1      active    a.example:7461",
                    "node-2  draining  b",
                ]
            )
        }

        @Test(
            "no line of a table is longer than the terminal is wide, whichever column crosses its edge"
        )
        func edges() {
            for edge in 1...40 {
                for line in Self.table.lines(edge: edge) {
                    #expect(line.count <= edge, "\(edge): \(line)")
                }
            }
            #expect(Self.table.lines(edge: 22)[1] == "n1      active    a.e…")
            #expect(Self.table.lines(edge: 12)[2] == "node-2  dra…")
            #expect(Self.table.lines(edge: 18)[1] == "n1      active    ")
        }

        @Test("a line is cut by what is seen of it, and its style ends with it")
        func styled() {
            #expect(Terminal.cut("abcdef", to: 6) == "abcdef")
            #expect(Terminal.cut("abcdef", to: 5) == "abcd…")
            let green = "\u{1B}[32m✓\u{1B}[0m n1 is drained"
            #expect(Terminal.cut(green, to: 15) == green)
            #expect(Terminal.cut(green, to: 6) == "\u{1B}[32m✓\u{1B}[0m n1 …\u{1B}[0m")
            #expect(Terminal.cut("\u{1B}[1mabc", to: 2) == "\u{1B}[1ma…\u{1B}[0m")
        }
    }
}
