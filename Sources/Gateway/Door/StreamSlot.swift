// Where a handler leaves a body that the transport pulls, so that no task stays behind it.

public import HTTP2
public import HTTPTypes
public import Hummingbird
import Synchronization

/// Takes over the body of one answer.
public final class StreamSlot: Sendable {
    typealias Make = @Sendable (any BodyStream) -> any PulledBody

    private let make = Mutex<Make?>(nil)
    private let isOpenEnded = Atomic(false)

    init() {}

    /// Answers with a body that the transport pulls as fast as the peer reads.
    ///
    /// The handler returns what this returns; after that no task works for the request any more.
    ///
    /// - Parameters:
    ///   - fields: Fields of the answer, content type included.
    ///   - make: Makes the body, on the event loop of the connection.
    /// - Returns: The head.
    public func pull(
        _ fields: HTTPFields,
        _ make: @escaping @Sendable (any BodyStream) -> any PulledBody
    ) -> Response {
        self.make.withLock { $0 = make }
        return Response(status: .ok, headers: fields, body: ResponseBody { _ in })
    }

    /// Lets what was left here go on only while `isLive` holds.
    func license(_ isLive: @escaping @Sendable () -> Bool) {
        self.make.withLock { slot in
            guard let make = slot else { return }
            slot = { LicensedBody(make($0), isLive: isLive) }
        }
    }

    /// Whether the answer's length is known before its body is made.
    var hasLength: Bool { !self.isOpenEnded.load(ordering: .relaxed) }

    /// Notes a body whose length is not known: what asks for the head alone must not be told one.
    func note(_ body: ResponseBody) {
        if body.contentLength == nil { self.isOpenEnded.store(true, ordering: .relaxed) }
    }

    /// What was left here, if anything.
    func take() -> Make? {
        self.make.withLock { slot in
            defer { slot = nil }
            return slot
        }
    }
}
