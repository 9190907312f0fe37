import Glibc

/// How records look.
public enum LogFormat: String, Sendable, ConfigurationChoice {
    /// For a person: time, level, part, message, fields.
    case readable
    /// One JSON object a line.
    case json
    /// Readable on a terminal, JSON otherwise.
    case automatic

    func resolved(for descriptor: Int32) -> LogFormat {
        self == .automatic ? (isatty(descriptor) == 1 ? .readable : .json) : self
    }

    /// The record as a line, redacted, appended to `line`.
    func append(_ record: LogRecord, to line: inout [UInt8], redactor: Redactor) {
        if self == .json { appendJSON(record, &line, redactor) } else { appendReadable(record, &line, redactor) }
        line.append(UInt8(ascii: "\n"))
    }

    private func appendJSON(_ record: LogRecord, _ line: inout [UInt8], _ redactor: Redactor) {
        line += Array(
            "{\"time\":\"\(LogTime.text(record.time))\",\"level\":\"\(record.level.rawValue)\",\"part\":".utf8)
        JSONText.append(record.part, to: &line)
        line += Array(",\"message\":".utf8)
        JSONText.append(redactor.redact(record.message), to: &line)
        if let trace = record.trace {
            line += Array(",\"trace_id\":\"\(trace.traceID)\",\"span_id\":\"\(trace.spanID)\"".utf8)
        }
        var used: Set<String> = ["time", "level", "part", "message", "trace_id", "span_id"]
        for (name, value) in record.fields {
            // A reader keeps only one of two members of the same name.
            var unique = name
            while !used.insert(unique).inserted { unique += "_" }
            line.append(UInt8(ascii: ","))
            JSONText.append(redactor.redact(unique), to: &line)
            line.append(UInt8(ascii: ":"))
            switch redactor.value(name, value) {
            case .string(let text): JSONText.append(text, to: &line)
            case .integer(let number): line += Array("\(number)".utf8)
            case .double(let number): line += Array((number.isFinite ? "\(number)" : "\"\(number)\"").utf8)
            case .bool(let flag): line += Array("\(flag)".utf8)
            case .secret: JSONText.append(Redactor.replacement, to: &line)
            }
        }
        line.append(UInt8(ascii: "}"))
    }

    private func appendReadable(_ record: LogRecord, _ line: inout [UInt8], _ redactor: Redactor) {
        let level = record.level.rawValue.uppercased()
        let padding = String(repeating: " ", count: max(0, 8 - level.count))
        line += Array("\(LogTime.text(record.time)) \(level)\(padding) \(record.part): ".utf8)
        line += Array(LogFormat.onOneLine(redactor.redact(record.message)).utf8)
        for (name, value) in record.fields {
            line += Array(" \(redactor.redact(name))=".utf8)
            switch redactor.value(name, value) {
            case .string(let text):
                let isPlain =
                    !text.isEmpty && text.utf8.allSatisfy { $0 > 0x20 && $0 != 0x22 && $0 != 0x3d && $0 != 0x7f }
                if isPlain { line += Array(text.utf8) } else { JSONText.append(text, to: &line) }
            case .integer(let number): line += Array("\(number)".utf8)
            case .double(let number): line += Array("\(number)".utf8)
            case .bool(let flag): line += Array("\(flag)".utf8)
            case .secret: line += Array(Redactor.replacement.utf8)
            }
        }
        if let trace = record.trace { line += Array(" trace=\(trace.traceID)".utf8) }
    }

    /// A line break or an escape sequence from outside must not make lines of its own in a log.
    private static func onOneLine(_ text: String) -> String {
        guard text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7f }) else { return text }
        var bytes: [UInt8] = []
        JSONText.append(text, to: &bytes)
        return String(decoding: bytes.dropFirst().dropLast(), as: UTF8.self)
    }
}

/// Points in time as RFC 3339 has them, in UTC with microseconds.
enum LogTime {
    static var now: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    static func text(_ nanoseconds: Int64) -> String {
        var seconds = time_t(nanoseconds / 1_000_000_000)
        var parts = tm()
        gmtime_r(&seconds, &parts)
        func two(_ value: Int32) -> String { value < 10 ? "0\(value)" : "\(value)" }
        let micros = String(nanoseconds % 1_000_000_000 / 1000)
        let fraction = String(repeating: "0", count: max(0, 6 - micros.count)) + micros
        return "\(parts.tm_year + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday))"
            + "T\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec)).\(fraction)Z"
    }
}
