import CommandLineKit
import Contracts

enum ImageDiff {
    static let from = Argument("FROM", "the one before: churn-svc:1")
    static let to = Argument("TO", "the one after: churn-svc:2")
    static let files = Flag.integer("files", "COUNT", in: 0...10_000, "files at most in the table (50)")

    static let command = Command<Session>(
        "diff", "Says what differs between two images: layers, packages, files, settings.", arguments: [from, to],
        flags: [files.specification],
        examples: [
            .init("slipway image diff churn-svc:1 churn-svc:2", "what is new"),
            .init("slipway image diff churn-svc@production churn-svc/latest -o json", "all of it, for a program"),
        ]
    ) { values, session in
        let comparison = try await session.connect().images.compareImages(.init(from: values[from], to: values[to]))
        try session.show(comparison) { text(comparison, filesMax: values[files] ?? 50, session) }
        let isSame = comparison.layers.isEmpty && comparison.settings.isEmpty && comparison.files.isEmpty
        session.done(
            isSame
                ? "nothing differs"
                : "\(Amounts.bytes(comparison.deltaBytes)) travel to whoever has \(values[from])")
    }

    static func text(
        _ comparison: Slipway.Images.V1.ImageComparison, filesMax: Int, _ session: Session
    ) -> String {
        var parts: [String] = []
        if !comparison.layers.isEmpty {
            var table = Table([.init("LAYER"), .init("WAS"), .init("", .right), .init("IS"), .init("", .right)])
            for layer in comparison.layers {
                table.add([
                    layer.kind, layer.from.map { ImageText.short($0.digest) } ?? "-",
                    layer.from.map { Amounts.bytes($0.sizeBytes) } ?? "",
                    layer.to.map { ImageText.short($0.digest) } ?? "-",
                    layer.to.map { Amounts.bytes($0.sizeBytes) } ?? "",
                ])
            }
            parts.append(session.text(table, whenEmpty: ""))
        }
        parts += changes("PACKAGE", comparison.packages.map { ($0.name, $0.from, $0.to) }, session)
        parts += changes("SETTING", comparison.settings.map { ($0.name, $0.from, $0.to) }, session)
        let shown = comparison.files.prefix(filesMax)
        if !shown.isEmpty {
            var table = Table([.init(""), .init("FILE", shrinksTo: 20), .init("SIZE", .right), .init("LAYER")])
            for file in shown { table.add([mark(file.change), file.path, size(file), file.layer]) }
            let rest = comparison.files.count - shown.count
            let more =
                rest > 0 || comparison.truncated ? "and \(comparison.truncated ? "many" : "\(rest)") more files\n" : ""
            parts.append(session.text(table, whenEmpty: "") + more)
        }
        return parts.joined(separator: "\n")
    }

    private static func changes(
        _ heading: String, _ rows: [(String, String, String)], _ session: Session
    ) -> [String] {
        guard !rows.isEmpty else { return [] }
        var table = Table([.init(heading), .init("WAS", shrinksTo: 8), .init("IS", shrinksTo: 8)])
        for (name, from, to) in rows { table.add([name, from.isEmpty ? "-" : from, to.isEmpty ? "-" : to]) }
        return [session.text(table, whenEmpty: "")]
    }

    private static func mark(_ change: Slipway.Images.V1.FileDifference.Change) -> String {
        switch change {
        case .added: "+"
        case .removed: "-"
        default: "~"
        }
    }

    private static func size(_ file: Slipway.Images.V1.FileDifference) -> String {
        switch file.change {
        case .added: Amounts.bytes(file.toBytes)
        case .removed: Amounts.bytes(file.fromBytes)
        default:
            file.fromBytes == file.toBytes
                ? Amounts.bytes(file.toBytes) : "\(Amounts.bytes(file.fromBytes)) -> \(Amounts.bytes(file.toBytes))"
        }
    }
}
