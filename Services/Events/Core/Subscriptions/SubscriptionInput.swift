import Contracts
import Protobuf
import RPC
import ResourceKit

/// What a subscription may be. Each check says what would be right.
enum SubscriptionInput {
    static let concurrencyMax: Int32 = 256
    static let concurrencyDefault: Int32 = 16
    static let attemptsMax: Int32 = 30
    static let ageMax: Int64 = 86_400
    static let timeoutMax: Int64 = 30
    static let batchMax: Int32 = 1000
    static let headersMax = 20

    static func check(name: String, _ violations: inout FieldViolations) {
        if !NameRules.isModel(name) { violations.add("subscription.name", "it is \(NameRules.model)") }
    }

    static func check(filter: String, field: String, _ parser: any EventFilterParsing) throws(RPCError) {
        do {
            _ = try parser.parse(filter)
        } catch {
            throw .badRequest(field: field, "\(error)")
        }
    }

    static func concurrency(_ value: Int32, _ field: String, _ violations: inout FieldViolations) -> Int32 {
        if !(0...concurrencyMax).contains(value) {
            violations.add(field, "it is 1 to \(concurrencyMax), or 0 for \(concurrencyDefault)")
        }
        return value == 0 ? concurrencyDefault : value
    }

    /// - Returns: attempts, and an age in seconds.
    static func limit(
        _ retry: Slipway.Events.V1.RetryLimit?, _ field: String, _ violations: inout FieldViolations
    ) -> (Int32, Int64) {
        let attempts = retry?.attempts ?? 0
        if !(0...attemptsMax).contains(attempts) {
            violations.add("\(field).attempts", "it is 1 to \(attemptsMax), or 0 for \(attemptsMax)")
        }
        var age = ageMax
        if let given = retry?.age {
            age = given.seconds
            if !(1...ageMax).contains(age) || given.nanos != 0 {
                violations.add("\(field).age", "it is 1 s to \(ageMax) s, in whole seconds")
            }
        }
        return (attempts == 0 ? attemptsMax : attempts, age)
    }

    /// What can be seen of a destination without asking anybody.
    static func check(
        _ destination: Slipway.Events.V1.Destination?, _ field: String, keeping headers: Set<String> = [],
        _ violations: inout FieldViolations
    ) {
        switch destination?.kind {
        case nil: violations.add(field, "a webhook or a file is needed")
        case .file(let file): if file.path.isEmpty { violations.add("\(field).file.path", "a path is needed") }
        case .webhook(let webhook):
            if webhook.url.isEmpty { violations.add("\(field).webhook.url", "an address is needed") }
            if webhook.url.utf8.count > 2048 { violations.add("\(field).webhook.url", "it has 2,048 bytes at most") }
            if ![.unspecified, .structured, .binary, .batch].contains(webhook.mode) {
                violations.add("\(field).webhook.mode", "it is STRUCTURED, BINARY or BATCH")
            }
            if !(0...batchMax).contains(webhook.batchEvents) {
                violations.add("\(field).webhook.batch_events", "it is 1 to \(batchMax), or 0 for 100")
            }
            if let timeout = webhook.timeout {
                let isFine =
                    timeout.seconds >= 0 && timeout.nanos >= 0 && (timeout.seconds > 0 || timeout.nanos > 0)
                    && (timeout.seconds < timeoutMax || (timeout.seconds == timeoutMax && timeout.nanos == 0))
                if !isFine { violations.add("\(field).webhook.timeout", "it is more than 0 and at most 30 s") }
            }
            if webhook.authoritiesPem.utf8.count > 65_536 {
                violations.add("\(field).webhook.authorities_pem", "it has 64 KiB at most")
            }
            if webhook.headers.count > headersMax {
                violations.add("\(field).webhook.headers", "there are \(headersMax) at most")
            }
            for (name, value) in webhook.headers { check(name, value, field, headers, &violations) }
        }
    }

    private static func check(
        _ name: String, _ value: String, _ field: String, _ kept: Set<String>, _ violations: inout FieldViolations
    ) {
        let field = "\(field).webhook.headers"
        let isToken = name.utf8.allSatisfy { byte in
            (0x21...0x7E).contains(byte) && !"\"(),/:;<=>?@[\\]{}".utf8.contains(byte)
        }
        if !isToken || name.isEmpty || name.utf8.count > 128 {
            violations.add(field, "\(shown(name)) can't be the name of a header")
        }
        let lower = name.lowercased()
        if ours.contains(lower) || lower.hasPrefix("ce-") || lower.hasPrefix("webhook-") {
            violations.add(field, "\(shown(name)) is set by the delivery itself")
        }
        if value.isEmpty, !kept.contains(name) { violations.add(field, "\(shown(name)) has no value") }
        if value.utf8.count > 4096 || value.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) {
            violations.add(field, "the value of \(shown(name)) has control characters, or more than 4,096 bytes")
        }
    }

    private static let ours: Set<String> = [
        "host", "content-length", "content-type", "transfer-encoding", "connection", "upgrade", "te", "trailer",
        "expect",
    ]
}
