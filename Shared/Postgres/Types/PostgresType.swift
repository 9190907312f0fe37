/// A type of the server by its object identifier. Those of the server's own types never change.
public struct PostgresType: Hashable, Sendable, CustomStringConvertible {
    public let oid: UInt32

    public init(oid: UInt32) { self.oid = oid }

    public static let bool = PostgresType(oid: 16)
    public static let bytea = PostgresType(oid: 17)
    public static let char = PostgresType(oid: 18)
    public static let name = PostgresType(oid: 19)
    public static let int8 = PostgresType(oid: 20)
    public static let int2 = PostgresType(oid: 21)
    public static let int4 = PostgresType(oid: 23)
    public static let text = PostgresType(oid: 25)
    public static let oid = PostgresType(oid: 26)
    public static let xid = PostgresType(oid: 28)
    public static let json = PostgresType(oid: 114)
    public static let xid8 = PostgresType(oid: 5069)
    public static let float4 = PostgresType(oid: 700)
    public static let float8 = PostgresType(oid: 701)
    public static let bpchar = PostgresType(oid: 1042)
    public static let varchar = PostgresType(oid: 1043)
    public static let date = PostgresType(oid: 1082)
    public static let timestamp = PostgresType(oid: 1114)
    public static let timestamptz = PostgresType(oid: 1184)
    public static let interval = PostgresType(oid: 1186)
    public static let numeric = PostgresType(oid: 1700)
    public static let uuid = PostgresType(oid: 2950)
    public static let jsonb = PostgresType(oid: 3802)
    public static let void = PostgresType(oid: 2278)

    private static let names: [UInt32: String] = [
        16: "bool", 17: "bytea", 18: "char", 19: "name", 20: "int8", 21: "int2", 23: "int4", 25: "text", 26: "oid",
        28: "xid", 114: "json", 700: "float4", 701: "float8", 1042: "bpchar", 1043: "varchar", 1082: "date",
        1114: "timestamp", 1184: "timestamptz", 1186: "interval", 1700: "numeric", 2278: "void", 2950: "uuid",
        3802: "jsonb", 5069: "xid8", 1000: "bool[]", 1001: "bytea[]", 1005: "int2[]", 1007: "int4[]", 1009: "text[]",
        1016: "int8[]", 1021: "float4[]", 1022: "float8[]", 1015: "varchar[]", 1185: "timestamptz[]",
        2951: "uuid[]", 3807: "jsonb[]", 199: "json[]",
    ]

    public var description: String { PostgresType.names[oid] ?? "type \(oid)" }

    /// Defined by a user: an enumeration, a composite type, an array of one of them.
    var isUserDefined: Bool { oid >= 16384 }
}
