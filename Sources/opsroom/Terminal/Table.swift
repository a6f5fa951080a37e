// Tables that fit: columns aligned, the last one cut at the terminal's edge.

/// Rows under headers.
struct Table {
    var headers: [String]
    var rows: [[String]] = []
    /// Styles of cells by column, from the plain text.
    var style: (_ column: Int, _ text: String) -> Style? = { _, _ in nil }

    /// Prints to stdout; without headers for `isPlain`.
    func print(isPlain: Bool = false) {
        let terminal = Terminal.output
        let all = isPlain ? self.rows : [self.headers] + self.rows
        var widths = [Int](repeating: 0, count: self.headers.count)
        for row in all {
            for (column, cell) in row.enumerated() {
                widths[column] = max(widths[column], cell.count)
            }
        }
        let edge = terminal.isTerminal ? terminal.width : Int.max
        for (index, row) in all.enumerated() {
            var line = ""
            var used = 0
            for (column, cell) in row.enumerated() {
                let isLast = column == row.count - 1
                var text = cell
                if isLast, used + text.count > edge, edge > used + 1 {
                    text = text.prefix(edge - used - 1) + "…"
                }
                let padding =
                    isLast
                    ? ""
                    : String(
                        repeating: " ",
                        count: widths[column] - cell.count + 2
                    )
                used += text.count + padding.count
                let isHeader = !isPlain && index == 0
                let style = isHeader ? Style.dim : self.style(column, cell)
                line += (style.map { terminal.styled(text, $0) } ?? text) + padding
            }
            terminal.line(line)
        }
    }
}
