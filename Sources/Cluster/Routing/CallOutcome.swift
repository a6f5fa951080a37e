// How one attempt of a call ends, wherever it was executed.

/// What came back.
enum CallOutcome: Sendable {
    /// The encoded result begins at the place; nothing follows for a method without one.
    case value([UInt8], at: Int)
    /// The result of a call on this node, which was never encoded.
    case local(LocalValue)
    /// An error of this module, or one that the actor threw, as far as it can cross.
    case failure(Failure)
    /// What the actor threw, on this node.
    case thrown(any Error)
    /// It is to be made elsewhere.
    case redirect(Redirect)

    /// An error of this module.
    static func failure(_ code: ClusterError.Code, _ message: String) -> CallOutcome {
        .failure(Failure(ClusterError(code, message)))
    }

    /// Bytes that remembering it takes.
    var bytesCount: Int {
        switch self {
        case .value(let bytes, _): bytes.count + 64
        case .failure(let failure): failure.error.message.utf8.count + 128
        case .local, .thrown, .redirect: 128
        }
    }
}

/// A value between a method and its caller on the same node.
// SAFETY: arguments and results of distributed methods are Sendable: the compiler checks each call of
// one that may be on another actor.
struct LocalValue: @unchecked Sendable {
    let value: any Codable
}
