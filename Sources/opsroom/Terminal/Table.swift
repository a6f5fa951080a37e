// Tables that fit: columns aligned, the line cut at the terminal's edge.

/// Rows under headers.
struct Table {
    var headers: [String]
    var rows: [[String]] = []
    /// Styles of cells by column, from the plain text.
    var style: (_ column: Int, _ text: String) -> Style? = { _, _ in nil }

    /// Prints to stdout; without headers for `isPlain`.
    func print(isPlain: Bool = false) {
        for line in self.lines(isPlain: isPlain) { Terminal.output.line(line) }
    }

    /// The lines as stdout shows them; without headers for `isPlain`.
    func lines(isPlain: Bool = false) -> [String] {
        let terminal = Terminal.output
        return self.lines(isPlain: isPlain, edge: terminal.isTerminal ? terminal.width : Int.max)
    }

    /// The lines, none longer than `edge` columns.
    func lines(isPlain: Bool = false, edge: Int) -> [String] {
        let all = isPlain ? self.rows : [self.headers] + self.rows
        var widths = [Int](repeating: 0, count: self.headers.count)
        for row in all {
            for (column, cell) in row.enumerated() {
                widths[column] = max(widths[column], cell.count)
            }
        }
        return all.enumerated().map { index, row in
            self.line(row, widths, edge, isHeader: !isPlain && index == 0)
        }
    }

    private func line(_ row: [String], _ widths: [Int], _ edge: Int, isHeader: Bool) -> String {
        let terminal = Terminal.output
        var line = ""
        var used = 0
        for (column, cell) in row.enumerated() {
            let isLast = column == row.count - 1
            // What crosses the edge is cut, and nothing comes behind it.
            guard used < edge else { break }
            let isCut = used + cell.count > edge
            let text = isCut ? cell.prefix(edge - used - 1) + "…" : cell
            let gap = isLast || isCut ? 0 : widths[column] - cell.count + 2
            let padding = String(repeating: " ", count: min(gap, edge - used - text.count))
            used += text.count + padding.count
            let style = isHeader ? Style.dim : self.style(column, cell)
            line += (style.map { terminal.styled(text, $0) } ?? text) + padding
        }
        return line
    }
}
