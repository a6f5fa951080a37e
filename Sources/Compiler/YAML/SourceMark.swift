// A place in a plan file.

/// Line and column, both from 1; columns count Unicode scalars, as libyaml does.
struct SourceMark: Hashable, Comparable {
    var line: Int
    var column: Int

    static func < (left: SourceMark, right: SourceMark) -> Bool {
        (left.line, left.column) < (right.line, right.column)
    }
}
