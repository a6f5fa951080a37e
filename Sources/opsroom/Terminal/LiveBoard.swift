// Lines that are painted over themselves, with others that stay above them.

/// A board on a terminal; where there is none, only what stays is written.
actor LiveBoard {
    private let terminal: Terminal
    private var painted = 0
    private var last: [String] = []

    init(_ terminal: Terminal = .output) { self.terminal = terminal }

    /// Paints these lines in the place of those before, as many as fit.
    func show(_ lines: [String]) {
        guard self.terminal.isTerminal else { return }
        self.last = lines
        let room = max(3, self.terminal.height - 1)
        var shown = Array(lines.prefix(room))
        if lines.count > room {
            shown[room - 1] = self.terminal.styled("… \(lines.count - room + 1) more", .dim)
        }
        var text = self.painted > 0 ? "\u{1B}[\(self.painted)A" : ""
        // A line that wraps would be painted over at the wrong place.
        let width = self.terminal.width
        for line in shown { text += "\r\u{1B}[K" + Terminal.cut(line, to: width) + "\n" }
        self.terminal.write(text + "\u{1B}[J")
        self.painted = shown.count
    }

    /// Writes a line that stays.
    func say(_ line: String) {
        let lines = self.last
        self.erase()
        self.terminal.line(line)
        if !lines.isEmpty { self.show(lines) }
    }

    /// Takes the board away.
    func erase() {
        self.last = []
        guard self.painted > 0 else { return }
        self.terminal.write("\u{1B}[\(self.painted)A\u{1B}[J")
        self.painted = 0
    }
}
