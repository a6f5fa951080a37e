// What the terminal can show: colours, width, repainting; and the one place that prints.

import Foundation
import Glibc

/// One of the two outputs.
struct Terminal: Sendable {
    /// Data.
    static let output = Terminal(descriptor: STDOUT_FILENO)
    /// Messages and progress.
    static let error = Terminal(descriptor: STDERR_FILENO)

    let descriptor: Int32

    var isTerminal: Bool { isatty(self.descriptor) == 1 && !Self.isDumb }

    private static var isDumb: Bool { Self.variable("TERM") == "dumb" }

    private static func variable(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
    }

    /// Whether to colour: `NO_COLOR` forbids, `CLICOLOR_FORCE` demands, else a terminal decides.
    var hasColour: Bool {
        if Self.variable("NO_COLOR") != nil { return false }
        if let force = Self.variable("CLICOLOR_FORCE"), force != "0" { return true }
        return self.isTerminal
    }

    /// Columns; 100 where nobody knows.
    var width: Int {
        var size = winsize()
        guard ioctl(self.descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else {
            return Self.variable("COLUMNS").flatMap(Int.init) ?? 100
        }
        return Int(size.ws_col)
    }

    /// Rows; 24 where nobody knows.
    var height: Int {
        var size = winsize()
        guard ioctl(self.descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_row > 0 else {
            return 24
        }
        return Int(size.ws_row)
    }

    /// Writes text as it is.
    ///
    /// - Returns: Whether it was taken; a closed pipe takes nothing.
    @discardableResult
    func write(_ text: String) -> Bool {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes {
                Glibc.write(self.descriptor, $0.baseAddress, $0.count)
            }
            if count < 0, errno == EINTR || errno == EAGAIN { continue }
            // A closed pipe ends the output, not the work.
            if count <= 0 { return false }
            bytes = bytes.dropFirst(count)
        }
        return true
    }

    /// Writes a line; false when nobody takes it.
    @discardableResult
    func line(_ text: String = "") -> Bool { self.write(text + "\n") }

    /// As much of `text` as fits into one line of `width` columns; styles take no room.
    static func cut(_ text: String, to width: Int) -> String {
        let style = /\u{1B}\[[0-9;]*m/
        guard text.replacing(style, with: "").count > width, width > 0 else { return text }
        var (cut, rest, room) = ("", text[...], width - 1)
        while room > 0, let character = rest.first {
            if let match = rest.prefixMatch(of: style) {
                cut += match.output
                rest = rest[match.range.upperBound...]
            } else {
                cut.append(character)
                rest = rest.dropFirst()
                room -= 1
            }
        }
        return cut + "…" + (cut.contains("\u{1B}") ? "\u{1B}[0m" : "")
    }

    /// `text` in a style, where styles are shown.
    func styled(_ text: String, _ style: Style) -> String {
        self.hasColour ? "\u{1B}[\(style.rawValue)m\(text)\u{1B}[0m" : text
    }
}

/// The few styles there are; each also has a sign or a word, so that colour alone says nothing.
enum Style: String {
    case bold = "1"
    case dim = "2"
    case red = "31"
    case green = "32"
    case yellow = "33"
    case cyan = "36"
}
