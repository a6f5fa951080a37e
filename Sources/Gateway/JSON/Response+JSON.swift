// Answers made of JSON values.

public import HTTPTypes
public import Hummingbird
import NIOCore
public import PulserIR

extension Response {
    /// An answer with a JSON body.
    ///
    /// - Parameters:
    ///   - value: The body.
    ///   - status: Default 200.
    ///   - fields: More fields.
    /// - Returns: The answer.
    public static func json(
        _ value: JSONValue,
        status: HTTPResponse.Status = .ok,
        fields: HTTPFields = [:]
    ) -> Response {
        var fields = fields
        fields[.contentType] = "application/json"
        var bytes: [UInt8] = []
        bytes.reserveCapacity(512)
        value.writeCanonical(to: &bytes)
        return Response(
            status: status,
            headers: fields,
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes))
        )
    }

    /// An answer without a body.
    public static func empty(_ fields: HTTPFields = [:]) -> Response {
        Response(status: .noContent, headers: fields)
    }
}
