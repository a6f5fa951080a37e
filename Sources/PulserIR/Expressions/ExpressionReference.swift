// What an expression reads, as far as its text alone tells.

/// One read of a root, with the names that follow it literally.
public struct ExpressionReference: Sendable, Hashable {
    /// The root.
    public let root: ExpressionRoot
    /// The names after the root, up to the first computed or numeric index:
    /// `["preflight", "outputs", "missing"]` for `steps.preflight.outputs.missing`.
    public let path: [String]
    /// The byte offset of each name of ``path``.
    public let pathOffsets: [Int]
    /// Whether an index that is not a literal name comes right after ``path``.
    public let isOpen: Bool
    /// Whether it stands inside the first argument of `default(…)`.
    public let isSoft: Bool
    /// The byte offset of the root in the expression's source.
    public let offset: Int

    /// Root and path joined with dots.
    public var text: String { ([self.root.rawValue] + self.path).joined(separator: ".") }

    /// The references of a tree, in the order of the text.
    static func all(in node: ExpressionNode) -> [ExpressionReference] {
        var found: [ExpressionReference] = []
        Self.collect(node, isSoft: false, into: &found)
        return found
    }

    private static func collect(
        _ node: ExpressionNode,
        isSoft: Bool,
        into found: inout [ExpressionReference]
    ) {
        switch node {
        case .literal: break
        case .root(let root, let at):
            found.append(Self.reference(to: root, at: at, through: [], isSoft: isSoft))
        case .path(let base, let accessors):
            if case .root(let root, let at) = base {
                found.append(Self.reference(to: root, at: at, through: accessors, isSoft: isSoft))
            } else {
                Self.collect(base, isSoft: isSoft, into: &found)
            }
            for case .index(let index, _) in accessors {
                Self.collect(index, isSoft: isSoft, into: &found)
            }
        case .call(let function, let arguments, _):
            for (index, argument) in arguments.enumerated() {
                let becomesSoft = function == .default && index == 0
                Self.collect(argument, isSoft: isSoft || becomesSoft, into: &found)
            }
        case .not(let operand, _): Self.collect(operand, isSoft: isSoft, into: &found)
        case .and(let operands), .or(let operands):
            for operand in operands { Self.collect(operand, isSoft: isSoft, into: &found) }
        case .comparison(_, let left, let right, _):
            Self.collect(left, isSoft: isSoft, into: &found)
            Self.collect(right, isSoft: isSoft, into: &found)
        }
    }

    private static func reference(
        to root: ExpressionRoot,
        at offset: Int,
        through accessors: [ExpressionNode.Accessor],
        isSoft: Bool
    ) -> ExpressionReference {
        var path: [String] = []
        var offsets: [Int] = []
        for accessor in accessors {
            switch accessor {
            case .member(let name, let at), .index(.literal(.string(let name), _), let at):
                path.append(name)
                offsets.append(at)
                continue
            case .index: break
            }
            break
        }
        return ExpressionReference(
            root: root,
            path: path,
            pathOffsets: offsets,
            isOpen: path.count < accessors.count,
            isSoft: isSoft,
            offset: offset
        )
    }
}
