import Glibc
import Journal
import Postgres
import Testing

@testable import EventsCore

@Suite("Types of events") struct EventTypesTests {
    static func row(
        _ action: String, _ subject: String, workspace: String? = "default", before: String? = nil, after: String? = nil
    ) -> JournalSource {
        JournalSource(
            JournalEntry(
                actor: "person:ada", action: action, subject: subject, workspace: workspace,
                before: before.map { PostgresJSON($0) }, after: after.map { PostgresJSON($0) }))
    }

    @Test(
        "a row of the journal becomes the event that its action stands for, with what its fields name alone",
        arguments: [
            (
                row(
                    "model.registered", "models/churn:3",
                    after:
                        #"{"name":"churn","version":3,"digest":"x","tags":{"team":"growth"},"properties":{"seed":"1"},"metrics":{}}"#
                ), "model.registered",
                #"{"name":"churn","version":3,"tags":{"team":"growth"},"properties":{"seed":"1"}}"#
            ),
            (
                row(
                    "model.updated", "models/churn", before: #"{"description":"","tags":{}}"#,
                    after: #"{"description":"d","tags":{}}"#),
                "model.updated",
                #"{"name":"churn","description":"d","tags":{},"previous":{"description":"","tags":{}}}"#
            ),
            (
                row("model.updated", "models/churn:3", after: #"{"metrics":{"auc":0.5},"tags":{},"secret":"s"}"#),
                "model.version-updated",
                #"{"name":"churn","version":3,"description":"","tags":{},"properties":{},"metrics":{"auc":0.5}}"#
            ),
            (
                row(
                    "model.alias-set", "models/churn@champion", before: #"{"alias":"champion","version":2}"#,
                    after: #"{"alias":"champion","version":3}"#),
                "model.alias-set", #"{"name":"churn","alias":"champion","version":3,"previous_version":2}"#
            ),
            (
                row("model.alias-removed", "models/churn@champion"), "model.alias-removed",
                #"{"name":"churn","alias":"champion"}"#
            ),
            (
                row("model.purged", "models/churn:3", before: #"{"description":"x"}"#), "model.purged",
                #"{"name":"churn","version":3}"#
            ),
            (
                row(
                    "identity.token.issue", "tokens/1",
                    after: #"{"principal":"ada","name":"laptop","ceiling":null,"digest":"no"}"#),
                "token.issued", #"{"principal":"ada","name":"laptop"}"#
            ),
            (
                row(
                    "identity.member.set", "workspaces/w/members/ada", workspace: "w", before: #"{"role":"none"}"#,
                    after: #"{"role":"reader"}"#),
                "member.changed", #"{"workspace":"w","principal":"ada","role":"reader","previous_role":"none"}"#
            ),
            (
                row("secret.remove", "secrets/s", before: #"{"version":4}"#), "secret.removed",
                #"{"name":"s","version":4}"#
            ),
            (
                row(
                    "activity.finish", "activities/7", before: #"{"state":"running"}"#,
                    after:
                        #"{"state":"failed","kind":"image.build","subject":"images/a:1","attempt":2,"error":"INTERNAL"}"#
                ),
                "activity.finished",
                #"{"id":"7","kind":"image.build","subject":"images/a:1","state":"failed","attempt":2,"previous_state":"running","error":"INTERNAL"}"#
            ),
        ] as [(JournalSource, String, String)])
    func mapping(_ row: JournalSource, _ name: String, _ data: String) throws {
        let definition = try #require(EventTypes().definition(of: row))
        #expect(definition.name == name)
        #expect(definition.data(of: row).json == data)
    }

    @Test("an action that no type is made for is told without anything of the row")
    func other() {
        let row = Self.row("thing.polished", "things/1", after: #"{"password":"hunter2"}"#)
        let types = EventTypes()
        #expect(types.definition(of: row)?.name == nil)
        #expect(types.data(of: row).json == #"{"action":"thing.polished"}"#)
    }

    @Test("every example has what its type requires, each of its kind, and nothing that the type does not name")
    func examples() {
        for definition in EventTypes.known {
            guard case .object(let members) = definition.example.data else { continue }
            for field in definition.fields where field.isRequired {
                #expect(definition.example.data[field.name] != nil, "\(definition.name) \(field.name)")
            }
            for member in members {
                let field = definition.fields.first { $0.name == member.name }
                #expect(field?.kind.taken(member.value) == member.value, "\(definition.name) \(member.name)")
            }
        }
        let names = EventTypes.known.map(\.name)
        #expect(Set(names).count == names.count)
    }

    /// `SLIPWAY_WRITE_EVENT_TYPES=1` writes them anew.
    @Test("Docs/events/types holds the schema and the example of every type, and nothing else")
    func documents() throws {
        let folder =
            String(#filePath.split(separator: "/").dropLast(4).reduce("") { $0 + "/" + $1 }) + "/Docs/events/types"
        var expected: [String: String] = [:]
        for type in EventTypes().types {
            let name = type.name.dropFirst(EventTypeDefinition.prefix.count)
            expected["\(name).json"] = EventDocuments.indented(type.schemaJson) + "\n"
            expected["\(name).example.json"] = EventDocuments.indented(type.exampleJson) + "\n"
        }
        if getenv("SLIPWAY_WRITE_EVENT_TYPES") != nil {
            for (name, text) in expected { try EventDocuments.write(text, to: "\(folder)/\(name)") }
        }
        for (name, text) in expected {
            #expect(try EventDocuments.read("\(folder)/\(name)") == text, "\(name) is not what the code says")
        }
        #expect(Set(EventDocuments.names(in: folder)) == Set(expected.keys))
    }
}

/// Files of the repository, and JSON as people read it.
enum EventDocuments {
    static func indented(_ json: String) -> String {
        guard let value = EventValue(json: json) else { return json }
        return indented(value, "")
    }

    private static func indented(_ value: EventValue, _ lead: String) -> String {
        let inner = lead + "  "
        switch value {
        case .object(let members) where !members.isEmpty:
            let lines = members.map { "\(inner)\(EventValue.text($0.name).json): \(indented($0.value, inner))" }
            return "{\n\(lines.joined(separator: ",\n"))\n\(lead)}"
        case .list(let elements) where !elements.isEmpty:
            return "[\n\(elements.map { inner + indented($0, inner) }.joined(separator: ",\n"))\n\(lead)]"
        default: return value.json
        }
    }

    static func read(_ path: String) throws -> String {
        let file = open(path, O_RDONLY)
        guard file >= 0 else { throw PostgresError(.usage, "no file \(path)") }
        defer { close(file) }
        var (bytes, buffer) = ([UInt8](), [UInt8](repeating: 0, count: 1 << 16))
        while case let count = Glibc.read(file, &buffer, buffer.count), count > 0 { bytes += buffer[..<count] }
        return String(decoding: bytes, as: UTF8.self)
    }

    static func write(_ text: String, to path: String) throws {
        let file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
        guard file >= 0 else { throw PostgresError(.usage, "no file \(path)") }
        defer { close(file) }
        let bytes = Array(text.utf8)
        #expect(Glibc.write(file, bytes, bytes.count) == bytes.count)
    }

    static func names(in folder: String) -> [String] {
        guard let listing = opendir(folder) else { return [] }
        defer { closedir(listing) }
        var names: [String] = []
        while let entry = readdir(listing) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name.hasSuffix(".json") { names.append(name) }
        }
        return names
    }
}
