// Gives the API's description, written once.

import HTTPTypes
import Hummingbird
import NIOCore
import PulserIR

/// `/v1/openapi.json`.
struct OpenAPIResource: Sendable {
    let bytes: ByteBuffer

    init(_ document: OpenAPIDocument) {
        self.bytes = ByteBuffer(bytes: document.json.canonicalBytes)
    }

    /// The description.
    @Sendable
    func get(_ request: Request, _ context: GatewayContext) async throws -> Response {
        Response(
            status: .ok,
            headers: [.contentType: "application/json", .cacheControl: "public, max-age=60"],
            body: ResponseBody(byteBuffer: self.bytes)
        )
    }
}
