import CommandLineKit
import Contracts

enum ModelSearch {
    static let query = Argument(
        "QUERY", "the condition and the order; everything where it is left out", isRequired: false)
    static let deleted = Flag.switch("deleted", "finds deleted versions too")
    static let count = Flag.switch("count", "also says how many there are")

    static let command = Command<Session>(
        "search", "Finds versions by what is known of them.",
        details: "Docs/models/search.md describes the conditions. Text stands in single quotes.", arguments: [query],
        flags: [deleted.specification, count.specification, Shared.limit.specification],
        examples: [
            .init("slipway model search \"name = 'churn' AND metrics.auc > 0.9\"", "good versions of one model"),
            .init(
                "slipway model search \"tags.team = 'growth' ORDER BY created DESC\" --limit 10", "the newest of a team"
            ),
            .init("slipway model search \"alias = 'champion'\" -o json", "what is in use, for a program"),
        ]
    ) { values, session in
        let connection = try session.connect()
        var request = Slipway.Models.V1.SearchRequest(
            query: values[query], includeDeleted: values[deleted], count: values[count])
        var total: Int64?
        let found = try await Shared.pages(limit: values[Shared.limit] ?? 100) { size, token in
            request.pageSize = size
            request.pageToken = token
            let answer = try await connection.models.search(request)
            total = answer.total ?? total
            request.count = false
            return (answer.versions, answer.nextPageToken)
        }
        let message = Slipway.Models.V1.SearchResponse(
            versions: found.elements, nextPageToken: found.next, total: total)
        try session.show(message) { table(found.elements, session) }
        if let total { session.done(Amounts.count(Int(total), "version")) }
        Shared.noteMore(found.next, found.elements.count, session)
    }

    static func table(_ versions: [Slipway.Models.V1.ModelVersion], _ session: Session) -> String {
        var table = Table([
            .init("VERSION", shrinksTo: 12), .init("ALIASES", shrinksTo: 8), .init("FORMAT", shrinksTo: 6),
            .init("SIZE", .right), .init("METRICS", shrinksTo: 10), .init("TAGS", shrinksTo: 10), .init("REGISTERED"),
            .init("BY", shrinksTo: 8),
        ])
        for version in versions {
            table.add([
                "\(version.model):\(version.version)", version.aliases.joined(separator: " "),
                version.format?.name ?? "", Amounts.bytes(version.sizeBytes),
                Shared.shown(version.metrics.mapValues { "\($0)" }), Shared.shown(version.tags),
                session.relative(version.createdAt),
                version.createdBy,
            ])
        }
        return session.text(table, whenEmpty: "no version meets the condition")
    }
}
