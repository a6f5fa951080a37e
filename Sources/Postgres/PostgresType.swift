// Decides which Postgres types this module can name, by their object identifiers.

/// A Postgres type by its object identifier.
public struct PostgresType: RawRepresentable, Sendable, Hashable {
    /// The object identifier (`pg_type.oid`).
    public let rawValue: UInt32

    /// Names the type with object identifier `rawValue`.
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// Lets the server infer the type.
    public static let unknown = Self(rawValue: 0)
    /// `boolean`.
    public static let bool = Self(rawValue: 16)
    /// `bytea`.
    public static let bytea = Self(rawValue: 17)
    /// `name`.
    public static let name = Self(rawValue: 19)
    /// `bigint`.
    public static let int8 = Self(rawValue: 20)
    /// `smallint`.
    public static let int2 = Self(rawValue: 21)
    /// `integer`.
    public static let int4 = Self(rawValue: 23)
    /// `text`.
    public static let text = Self(rawValue: 25)
    /// `oid`.
    public static let oid = Self(rawValue: 26)
    /// `json`.
    public static let json = Self(rawValue: 114)
    /// `real`.
    public static let float4 = Self(rawValue: 700)
    /// `double precision`.
    public static let float8 = Self(rawValue: 701)
    /// `character(n)`.
    public static let bpchar = Self(rawValue: 1042)
    /// `character varying`.
    public static let varchar = Self(rawValue: 1043)
    /// `date`.
    public static let date = Self(rawValue: 1082)
    /// `timestamp without time zone`.
    public static let timestamp = Self(rawValue: 1114)
    /// `timestamp with time zone`.
    public static let timestamptz = Self(rawValue: 1184)
    /// `numeric`.
    public static let numeric = Self(rawValue: 1700)
    /// `uuid`.
    public static let uuid = Self(rawValue: 2950)
    /// `jsonb`.
    public static let jsonb = Self(rawValue: 3802)
    /// `boolean[]`.
    public static let boolArray = Self(rawValue: 1000)
    /// `bytea[]`.
    public static let byteaArray = Self(rawValue: 1001)
    /// `smallint[]`.
    public static let int2Array = Self(rawValue: 1005)
    /// `integer[]`.
    public static let int4Array = Self(rawValue: 1007)
    /// `text[]`.
    public static let textArray = Self(rawValue: 1009)
    /// `bigint[]`.
    public static let int8Array = Self(rawValue: 1016)
    /// `double precision[]`.
    public static let float8Array = Self(rawValue: 1022)
    /// `timestamptz[]`.
    public static let timestamptzArray = Self(rawValue: 1185)
    /// `json[]`.
    public static let jsonArray = Self(rawValue: 199)
    /// `uuid[]`.
    public static let uuidArray = Self(rawValue: 2951)
    /// `jsonb[]`.
    public static let jsonbArray = Self(rawValue: 3807)

    /// The type of one element, for the array types above.
    var element: Self? {
        switch self {
        case .boolArray: .bool
        case .byteaArray: .bytea
        case .int2Array: .int2
        case .int4Array: .int4
        case .int8Array: .int8
        case .textArray: .text
        case .float8Array: .float8
        case .timestamptzArray: .timestamptz
        case .jsonArray: .json
        case .uuidArray: .uuid
        case .jsonbArray: .jsonb
        default: nil
        }
    }
}
