import CommandLineKit
import Contracts

enum EventTypes {
    static let schema = Flag.text("schema", "NAME", "the JSON schema of this type's data")
    static let example = Flag.text("example", "NAME", "an event of this type, as it goes out")

    static let command = Command<Session>(
        "types", "Lists the types of events, or describes one.",
        flags: [schema.specification, example.specification],
        examples: [
            .init("slipway events types", "which there are"),
            .init("slipway events types --schema slipway.model.registered > schema.json", "what its data are"),
        ]
    ) { values, session in
        let answer = try await session.connect().events.listTypes(.init())
        if let name = values[schema] ?? values[example] {
            guard let type = answer.types.first(where: { $0.name == name || $0.name == "slipway.\(name)" }) else {
                let hint = Suggestion.nearest(to: name, among: answer.types.map(\.name))
                throw Failure(.notFound, "there is no type \"\(name)\"\(hint.map { "; did you mean \($0)?" } ?? "")")
            }
            let text = values[schema] == nil ? type.exampleJson : type.schemaJson
            // A schema is a document of its own, whose numbers and order are not ours to change.
            return session.terminal.write(session.form == .yaml ? try Document(parsing: text).yaml : text + "\n")
        }
        try session.show(answer) {
            var table = Table([.init("TYPE"), .init("WHAT IT TELLS", shrinksTo: 20)])
            for type in answer.types { table.add([type.name, type.description]) }
            return session.text(table, whenEmpty: "there is none")
        }
    }
}
