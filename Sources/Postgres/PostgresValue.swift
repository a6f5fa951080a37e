// Decides which Swift values can be sent as parameters.

/// One parameter value. It is encoded in binary as the type its statement declares.
public enum PostgresValue: Sendable, Hashable {
    /// SQL `NULL`.
    case null
    /// A boolean.
    case bool(Bool)
    /// A number; fits `int2` (range-checked), `int4`, `int8`, `float8`.
    case int4(Int32)
    /// A number; fits `int2`, `int4` (range-checked), `int8`, `float8`, and `timestamptz` as microseconds since 1970.
    case int8(Int64)
    /// A floating-point number.
    case float8(Double)
    /// Text; fits `text`, `varchar`, `name`, `json`, `jsonb` and `uuid`.
    case text(String)
    /// Bytes; fits `bytea`, `uuid` (16 bytes), and any other type when already in its binary form.
    case bytes([UInt8])
    /// JSON text; fits `jsonb`, `json` and `text`.
    case jsonb(String)
    /// `integer[]`.
    case int4Array([Int32])
    /// `bigint[]`, or `timestamptz[]` as microseconds since 1970.
    case int8Array([Int64?])
    /// `text[]`, `uuid[]`.
    case textArray([String?])
    /// `bytea[]`.
    case byteaArray([[UInt8]?])
    /// `jsonb[]`, `json[]`.
    case jsonbArray([String?])
    /// `boolean[]`.
    case boolArray([Bool])
    /// `double precision[]`.
    case float8Array([Double])
}
