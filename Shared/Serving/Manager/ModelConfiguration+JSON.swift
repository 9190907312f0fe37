import Protobuf
import Spelling

extension ModelConfiguration {
    /// Reads a configuration file's text: a JSON object, in which every key is known.
    /// - Parameter base: what holds where the file says nothing.
    /// - Throws: `unloadable` that names the key, what it must be, and what was likely meant.
    public init(json text: Bytes, base: ModelConfiguration = ModelConfiguration()) throws(ServingError) {
        var result = base
        do {
            try JSONReader.read(text) { reader in try result.read(&reader) }
        } catch let error as ServingError {
            throw error
        } catch {
            throw ServingError(.unloadable, "\(error)")
        }
        self = result
    }

    private mutating func read(_ reader: inout JSONReader) throws {
        let known = [
            "adapter", "file", "options", "versions", "execution", "inline_limit_us", "instances", "concurrency",
            "threads", "timeout_ms", "load_timeout_ms", "queue", "batching", "warmup", "limits",
        ]
        try KnownKeys.members(of: &reader, "", known) { key, reader in
            switch key {
            case "adapter": adapter = try reader.string()
            case "file": file = try reader.string()
            case "options": try reader.members { name, reader in options[name] = try KnownKeys.scalar(&reader) }
            case "versions": versions = try VersionPolicy(&reader)
            case "execution": execution.place = try KnownKeys.choice(&reader, key)
            case "inline_limit_us":
                execution.inlineLimit = .microseconds(try KnownKeys.count(&reader, key, 0...1_000_000))
            case "instances":
                execution.instances = try KnownKeys.count(&reader, key, 0...InstancePool.largest)
            case "concurrency":
                execution.concurrency = try KnownKeys.count(&reader, key, 0...InstancePool.largest)
            case "threads": execution.threads = try KnownKeys.count(&reader, key, 0...1024)
            case "timeout_ms":
                execution.timeout = .milliseconds(try KnownKeys.count(&reader, key, 1...86_400_000))
            case "load_timeout_ms":
                loadTimeout = .milliseconds(try KnownKeys.count(&reader, key, 1...86_400_000))
            case "queue": try readQueue(&reader)
            case "batching": try execution.batching.read(&reader)
            case "warmup": try warmup.read(&reader)
            default: try readLimits(&reader)
            }
        }
        if execution.batching.keepsOrder { execution.concurrency = 1 }
    }

    private mutating func readQueue(_ reader: inout JSONReader) throws {
        try KnownKeys.members(of: &reader, "queue.", ["limit", "wait_ms"]) { key, reader in
            switch key {
            case "limit":
                execution.batching.limit = try KnownKeys.count(&reader, "queue.limit", 0...1_000_000)
            default:
                execution.queueWait = .milliseconds(try KnownKeys.count(&reader, "queue.wait_ms", 0...86_400_000))
            }
        }
    }

    /// A set of limits under a name, for whoever comes from another service.
    private mutating func readLimits(_ reader: inout JSONReader) throws {
        let name = try reader.string()
        guard name == "azure" else {
            throw ServingError(.unloadable, "limits must be \"azure\", not \"\(name)\"")
        }
        execution.concurrency = 1
        execution.queueWait = .milliseconds(500)
        execution.timeout = .seconds(60)
    }
}

extension BatchPolicy {
    fileprivate mutating func read(_ reader: inout JSONReader) throws {
        joins = true
        let known = ["enabled", "largest", "preferred", "delay_us", "priorities", "preserve_order"]
        try KnownKeys.members(of: &reader, "batching.", known) { key, reader in
            switch key {
            case "enabled": joins = try reader.boolean()
            case "largest": largest = try KnownKeys.count(&reader, "batching.largest", 1...1_000_000)
            case "preferred":
                preferred = []
                try reader.elements {
                    preferred.append(try KnownKeys.count(&$0, "batching.preferred", 1...1_000_000))
                }
                preferred.sort()
            case "delay_us":
                delay = .microseconds(try KnownKeys.count(&reader, "batching.delay_us", 0...60_000_000))
            case "priorities": levels = try KnownKeys.count(&reader, "batching.priorities", 1...100)
            default: keepsOrder = try reader.boolean()
            }
        }
        if let last = preferred.last { largest = max(largest, last) }
    }
}

extension WarmupSettings {
    fileprivate mutating func read(_ reader: inout JSONReader) throws {
        try KnownKeys.members(of: &reader, "warmup.", ["runs", "generated"]) { key, reader in
            switch key {
            case "runs": runs = try KnownKeys.count(&reader, "warmup.runs", 0...100_000)
            default: isGenerated = try reader.boolean()
            }
        }
    }
}

extension VersionPolicy {
    /// `"all"`, `"latest"`, `{"latest": 2}` or `[1, 3]`.
    fileprivate init(_ reader: inout JSONReader) throws {
        switch try reader.peek() {
        case UInt8(ascii: "["):
            var numbers: [Int64] = []
            try reader.elements { numbers.append(try $0.integer(Int64.self)) }
            self = .specific(numbers)
        case UInt8(ascii: "{"):
            var count = 1
            try KnownKeys.members(of: &reader, "versions.", ["latest"]) { _, reader in
                count = try KnownKeys.count(&reader, "versions.latest", 1...1000)
            }
            self = .latest(count)
        default:
            let text = try reader.string()
            switch text {
            case "all": self = .all
            case "latest": self = .latest(1)
            default:
                throw ServingError(
                    .unloadable,
                    "versions must be \"latest\", \"all\", {\"latest\": 2} or a list of numbers, not \"\(text)\"")
            }
        }
    }
}

/// Objects whose keys are all known.
enum KnownKeys {
    static func members(
        of reader: inout JSONReader, _ prefix: String, _ known: [String],
        _ body: (String, inout JSONReader) throws -> Void
    ) throws {
        try reader.members { key, reader in
            guard known.contains(key) else {
                let near = known.map { ($0, EditDistance.between(key, $0)) }.min { $0.1 < $1.1 }
                let meant = near.map { $0.1 <= max(2, key.utf8.count / 3) ? "; did you mean \(prefix)\($0.0)?" : "" }
                throw ServingError(.unloadable, "\(prefix)\(key) is unknown\(meant ?? "")")
            }
            try body(key, &reader)
        }
    }

    static func count(_ reader: inout JSONReader, _ name: String, _ range: ClosedRange<Int>) throws -> Int {
        let value = try reader.integer(Int.self)
        guard range.contains(value) else {
            throw ServingError(
                .unloadable, "\(name) must be from \(range.lowerBound) to \(range.upperBound), not \(value)")
        }
        return value
    }

    static func choice(_ reader: inout JSONReader, _ name: String) throws -> ExecutionSettings.Place {
        let text = try reader.string()
        guard let value = ExecutionSettings.Place(rawValue: text) else {
            let all = ExecutionSettings.Place.allCases.map(\.rawValue).joined(separator: ", ")
            throw ServingError(.unloadable, "\(name) must be one of \(all), not \"\(text)\"")
        }
        return value
    }

    /// An option's value as text, however the file writes it.
    static func scalar(_ reader: inout JSONReader) throws -> String {
        switch try reader.peek() {
        case UInt8(ascii: "\""): return try reader.string()
        case UInt8(ascii: "t"), UInt8(ascii: "f"): return try reader.boolean() ? "true" : "false"
        default:
            let number = try reader.double()
            return Int64(exactly: number).map { "\($0)" } ?? "\(number)"
        }
    }
}
