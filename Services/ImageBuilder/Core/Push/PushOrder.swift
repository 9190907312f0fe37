internal import Blobs
internal import Postgres
internal import Protobuf

/// What a push is to do, as its activity keeps it.
struct PushOrder: Equatable, Sendable {
    var name: String
    var version: Int32
    var digest: BlobDigest
    /// A whole reference.
    var destination: String
    /// A repository of the same registry that may have some of the layers.
    var mountSource: String

    init(name: String, version: Int32, digest: BlobDigest, destination: String, mountSource: String = "") {
        self.name = name
        self.version = version
        self.digest = digest
        self.destination = destination
        self.mountSource = mountSource
    }

    /// - Throws: `ProtobufError`, `PushOrderError`.
    init(json: String) throws {
        var (name, version, digest, destination, mountSource) = ("", Int32(0), "", "", "")
        try JSONReader.read(Array(json.utf8)[...]) { json in
            try json.members { key, json in
                switch key {
                case "name": name = try json.string()
                case "version": version = try json.integer(Int32.self)
                case "digest": digest = try json.string()
                case "destination": destination = try json.string()
                case "mount_from": mountSource = try json.string()
                default: try json.skipValue()
                }
            }
        }
        guard let parsed = BlobDigest(digest), !name.isEmpty, version > 0 else { throw PushOrderError() }
        self.init(
            name: name, version: version, digest: parsed, destination: destination, mountSource: mountSource)
    }

    var json: String {
        PushOrder.object([
            ("name", .text(name)), ("version", .number(Int64(version))), ("digest", .text("\(digest)")),
            ("destination", .text(destination)), ("mount_from", .text(mountSource)),
        ])
    }

    enum Value {
        case text(String)
        case number(Int64)
    }

    static func object(_ members: [(String, Value)]) -> String {
        var json = JSONWriter()
        json.beginObject()
        for (key, value) in members {
            json.key(key)
            switch value {
            case .text(let text): json.string(text)
            case .number(let number): json.integer(number)
            }
        }
        json.endObject()
        return String(decoding: json.bytes, as: UTF8.self)
    }
}

/// The input of a push that no push wrote.
struct PushOrderError: Error {}
