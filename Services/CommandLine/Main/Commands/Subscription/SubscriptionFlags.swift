import CommandLineKit
import Contracts
import Protobuf

/// What a subscription can be told when it is made and later.
enum SubscriptionFlags {
    static let path = "slipway subscription"
    static let name = Argument("NAME", "the subscription's name")
    static let url = Flag.text("url", "URL", "the web server that is told: https://ci.example.com/hook")
    static let file = Flag.text("file", "PATH", "or the file, below the folder that the service allows")
    static let mode = Flag.choice(
        "mode", ["structured", "binary", "batch"], "how an event goes into a request (structured)")
    static let headers = Flag.pairs("header", "a header that goes with every delivery; its value is kept secret")
    static let headerFile = Flag.text(
        "header-file", "FILE", "lines `name=value` of headers; - reads them from the standard input", completion: .files
    )
    static let batch = Flag.integer(
        "batch-events", "COUNT", in: 1...10_000, "most events in a request of batch mode (100)")
    static let timeout = Flag.duration("timeout", "how long the receiver may take to answer (30s)")
    static let authorities = Flag.text(
        "receiver-ca", "FILE", "PEM file of the authorities to believe for this receiver", completion: .files)
    static let description = Flag.text("description", "TEXT", "what it is for")
    static let ordered = Flag.choice(
        "ordered", ["yes", "no"], "whether events of one subject go one after the other (no)")
    static let concurrency = Flag.integer("concurrency", "COUNT", in: 1...10_000, "deliveries at once (16)")
    static let attempts = Flag.integer("attempts", "COUNT", in: 1...30, "gives up on an event after so many (30)")
    static let age = Flag.duration("give-up-after", "or after so long (24h)")

    static let all = [
        url.specification, file.specification, mode.specification, headers.specification, headerFile.specification,
        batch.specification, timeout.specification, authorities.specification, EventGroup.filter.specification,
        description.specification, ordered.specification, concurrency.specification, attempts.specification,
        age.specification, Shared.reason.specification,
    ]

    /// Where events are to go, by the flags; nil where they say nothing of it.
    /// - Parameter before: the destination that there is, of which what is not said stays.
    /// - Throws: `UsageError`, `Failure`.
    static func destination(
        _ values: Values, before: Slipway.Events.V1.Destination? = nil, _ command: String
    ) throws -> Slipway.Events.V1.Destination? {
        if let file = values[file] {
            guard values[url] == nil else { throw UsageError("--url and --file: one of them", path: command) }
            return .init(kind: .file(.init(path: file)))
        }
        var webhook = Slipway.Events.V1.Webhook()
        if case .webhook(let there)? = before?.kind { webhook = there }
        let old = webhook
        if let url = values[url] { webhook.url = url }
        if let mode = values[mode] { webhook.mode = SubscriptionText.mode(mode) }
        webhook.headers.merge(try allHeaders(values, command)) { $1 }
        if let batch = values[batch] { webhook.batchEvents = Int32(batch) }
        if let timeout = values[timeout] { webhook.timeout = .init(timeout) }
        if let path = values[authorities] {
            webhook.authoritiesPem = try TextInput.read(path, what: "authorities")
        }
        guard webhook != old else { return nil }
        guard !webhook.url.isEmpty else {
            throw UsageError("these flags are about a web server: say --url", path: command)
        }
        return .init(kind: .webhook(webhook))
    }

    static func retry(
        _ values: Values, before: Slipway.Events.V1.RetryLimit? = nil
    ) -> Slipway.Events.V1.RetryLimit? {
        guard values[attempts] != nil || values[age] != nil else { return nil }
        var retry = before ?? .init()
        if let attempts = values[attempts] { retry.attempts = Int32(attempts) }
        if let age = values[age] { retry.age = .init(age) }
        return retry
    }

    private static func allHeaders(_ values: Values, _ command: String) throws -> [String: String] {
        var found = values[headers]
        guard let path = values[headerFile] else { return found }
        for line in try TextInput.read(path, what: "headers").split(whereSeparator: \.isNewline) {
            // The line is not repeated: it may be a secret.
            guard let pair = Pair(String(line)) else {
                throw UsageError("--header-file \(path): its lines must be `name=value`", path: command)
            }
            found[pair.key] = pair.value
        }
        return found
    }
}
