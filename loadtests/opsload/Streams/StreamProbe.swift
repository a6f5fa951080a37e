// Asks a stream where the logs end, and leaves.

import HTTP2
import HTTPTypes
import NIOCore
import PulserIR

/// A look at a stream's greeting.
struct StreamProbe: Sendable {
    let target: Target
    let client: HTTP2Client

    /// By lane of a session, the number of its last event.
    func ends(of session: String) async throws -> [Int64: Int64] {
        let path = "/v1/sessions/\(session)/events"
        let request = self.target.request(.get, path, [.accept: StreamForm.binary.accept])
        let response = try await self.client.send(request)
        guard response.head.status == .ok else {
            throw LoadError("\(path) answers \(response.head.status.code)")
        }
        var cutter = FrameCutter(.binary)
        for try await chunk in response.body {
            var head: String?
            try chunk.withUnsafeReadableBytes { bytes in
                try cutter.take(bytes) { frame in
                    guard case .other("hello", let json) = frame else { return }
                    head = (try? JSONValue(parsing: json))?["head"]?.stringValue
                }
            }
            guard let head else { continue }
            guard let cursor = LaneAudit.positions(cursor: head) else {
                throw LoadError("the cursor '\(head)' cannot be read")
            }
            return Dictionary(cursor.1.map { ($0.lane, $0.sequence) }) { $1 }
        }
        throw LoadError("\(path) ended without a greeting")
    }
}
