// How a request that makes something happens once: its key, and what the key made before.

import HTTPTypes
import Hummingbird
import PulserIR
import Store

extension Request {
    /// Bytes of an idempotency key.
    static let keyBytesMax = 255

    /// The key under which the request happens once; `nil` when it has none.
    ///
    /// - Parameters:
    ///   - context: Says whose key it is.
    ///   - body: What is asked for; the same key with another body, or at another path, is refused.
    /// - Returns: The key.
    /// - Throws: `badRequest` when it is empty or too long.
    func idempotencyKey(
        _ context: GatewayContext,
        _ body: JSONValue
    ) throws(Problem) -> RequestKey? {
        guard let key = self.headers[.idempotencyKey] else { return nil }
        guard (1...Self.keyBytesMax).contains(key.utf8.count) else {
            throw Problem(
                .badRequest,
                "an idempotency key has from 1 to \(Self.keyBytesMax) bytes",
                next: "use a UUID"
            )
        }
        let order = JSONValue.object(["path": .string(self.uri.path), "body": body])
        return RequestKey(
            tenant: context.principal.tenant,
            key: key,
            digest: Digest(of: order.canonicalBytes)
        )
    }
}

extension Store {
    /// What a request with this key made before.
    ///
    /// - Returns: `nil` for a new key, and without one.
    /// - Throws: `idempotencyConflict` when it was used for another request.
    func replayed(_ key: RequestKey?) async throws -> MadeRow? {
        guard let key else { return nil }
        do {
            return try await RunDesk(self).made(key)
        } catch let error as DeskError {
            throw Problem(error)
        }
    }
}

extension Response {
    /// Says whether this request made what it tells of, or an earlier one with its key did.
    mutating func tell(_ made: MadeRow) {
        self.status = made.isReplay ? .ok : .created
        if made.isReplay { self.headers[.idempotencyReplayed] = "true" }
    }
}
