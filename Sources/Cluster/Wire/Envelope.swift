// What goes over a link: length, kind, number of the call, then what the kind asks for.

internal import PulserIR

/// Why a call is to be made elsewhere, and where.
struct Redirect: Sendable, Hashable {
    /// The reasons; the numbers are sent.
    enum Reason: UInt8, Sendable, Hashable {
        /// The caller's generation is old.
        case stale = 1
        /// Another node owns the shard.
        case moved = 2
        /// The shard is between two owners.
        case moving = 3
    }

    var reason: Reason
    /// The owner, where it is known.
    var owner: NodeEpoch?
    var generation: Int64
}

/// An error on its way; its value too where callers may see it.
struct Failure: Sendable, Hashable {
    var error: ClusterError
    /// The error's value, for types that the actor lists.
    var payload: [UInt8]?

    init(_ error: ClusterError, payload: [UInt8]? = nil) {
        self.error = error
        self.payload = payload
    }
}

/// One message of a link, without the bytes of arguments and results.
enum Envelope: Sendable, Hashable {
    case hello(Hello)
    /// The peer does not talk to us, for this reason.
    case refused(String)
    /// Arguments begin at the place.
    case call(CallHead, argumentsAt: Int)
    /// The result begins at the place; nothing follows when there is none.
    case reply(resultAt: Int)
    case failure(Failure)
    case redirect(Redirect)
    case cancel
    /// The sender makes no more calls here; the link is to end when nothing is open.
    case goodbye

    /// The kinds, as they are sent.
    enum Tag: UInt8 {
        case hello = 1
        case refused = 2
        case call = 3
        case reply = 4
        case failure = 5
        case redirect = 6
        case cancel = 7
        case goodbye = 8
    }

    /// Bytes of length, kind and number.
    static let headBytes = 9
    /// Bytes of an error's sentence; longer ones are cut.
    static let messageBytesMax = 2_048
    private static let typeBytesMax = 256

    /// Reads the message behind kind and number.
    ///
    /// - Parameters:
    ///   - tag: The kind.
    ///   - bytes: The message.
    ///   - limits: For the value of an error.
    /// - Throws: `malformed` for what no node of ours sends.
    init(_ tag: Tag, _ bytes: [UInt8], _ limits: BinaryLimits) throws(ClusterError) {
        var wire = WireReader(bytes)
        switch tag {
        case .hello: self = .hello(try Hello(from: &wire))
        case .refused: self = .refused(try wire.text(bytesMax: Self.messageBytesMax))
        case .call:
            let head = try CallHead(from: &wire)
            self = .call(head, argumentsAt: wire.place)
        case .reply: self = .reply(resultAt: 0)
        case .failure: self = .failure(try Self.failure(&wire, limits))
        case .redirect:
            guard let reason = Redirect.Reason(rawValue: try wire.byte()) else {
                throw ClusterError(.malformed, "a redirect has no known reason")
            }
            let owner = try wire.signed()
            self = .redirect(
                Redirect(
                    reason: reason,
                    owner: owner == 0 ? nil : NodeEpoch(owner),
                    generation: try wire.signed()
                )
            )
        case .cancel: self = .cancel
        case .goodbye: self = .goodbye
        }
    }

    private static func failure(
        _ wire: inout WireReader,
        _ limits: BinaryLimits
    ) throws(ClusterError) -> Failure {
        // A code of a newer build is an error all the same.
        let code = ClusterError.Code(rawValue: try wire.byte()) ?? .thrown
        let message = try wire.text(bytesMax: Self.messageBytesMax)
        let typeName = try wire.text(bytesMax: Self.typeBytesMax)
        let hasPayload = try wire.byte() != 0
        return Failure(
            ClusterError(code, message, typeName: typeName.isEmpty ? nil : typeName),
            payload: hasPayload ? try wire.blob(bytesMax: limits.bytesMax) : nil
        )
    }
}

extension Failure {
    func write(to wire: inout WireWriter) {
        wire.byte(self.error.code.rawValue)
        wire.text(self.error.message.cut(toBytes: Envelope.messageBytesMax))
        wire.text((self.error.typeName ?? "").cut(toBytes: 256))
        wire.byte(self.payload == nil ? 0 : 1)
        if let payload = self.payload { wire.blob(payload) }
    }
}

extension Redirect {
    func write(to wire: inout WireWriter) {
        wire.byte(self.reason.rawValue)
        wire.signed(self.owner?.number ?? 0)
        wire.signed(self.generation)
    }
}

extension String {
    /// The longest beginning of whole characters that fits.
    func cut(toBytes most: Int) -> String {
        guard self.utf8.count > most else { return self }
        var text = ""
        var count = 0
        for character in self {
            count += character.utf8.count
            guard count <= most else { break }
            text.append(character)
        }
        return text
    }
}
