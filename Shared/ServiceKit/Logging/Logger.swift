/// Speaks for one part of the program. A value: copies with more fields cost little.
public struct Logger: Sendable {
    public var part: String
    /// Records below it are not made.
    public var level: LogLevel
    /// Facts that go with every record.
    public var fields: [(name: String, value: LogValue)]
    private let writer: LogWriter?

    public init(_ part: String, writer: LogWriter, level: LogLevel = .info) {
        self.part = part
        self.level = level
        self.writer = writer
        fields = []
    }

    private init() {
        part = ""
        level = .critical
        writer = nil
        fields = []
    }

    /// Says nothing.
    public static let silent = Logger()

    /// The same with more facts.
    public func with(_ more: KeyValuePairs<String, LogValue>) -> Logger {
        var logger = self
        for (name, value) in more { logger.fields.append((name, value)) }
        return logger
    }

    /// The same for another part.
    public func part(_ name: String) -> Logger {
        var logger = self
        logger.part = name
        return logger
    }

    /// Writes a record where its level is wanted. It gets the trace under way in this task. Never waits.
    public func log(
        _ level: LogLevel, _ message: @autoclosure () -> String, _ fields: KeyValuePairs<String, LogValue> = [:]
    ) {
        guard level >= self.level, let writer else { return }
        var all = self.fields
        for (name, value) in fields { all.append((name, value)) }
        writer.log(
            LogRecord(
                time: LogTime.now, level: level, part: part, message: message(), fields: all,
                trace: TraceContext.current))
    }

    public func debug(_ message: @autoclosure () -> String, _ fields: KeyValuePairs<String, LogValue> = [:]) {
        log(.debug, message(), fields)
    }
    public func info(_ message: @autoclosure () -> String, _ fields: KeyValuePairs<String, LogValue> = [:]) {
        log(.info, message(), fields)
    }
    public func notice(_ message: @autoclosure () -> String, _ fields: KeyValuePairs<String, LogValue> = [:]) {
        log(.notice, message(), fields)
    }
    public func warning(_ message: @autoclosure () -> String, _ fields: KeyValuePairs<String, LogValue> = [:]) {
        log(.warning, message(), fields)
    }
    public func error(_ message: @autoclosure () -> String, _ fields: KeyValuePairs<String, LogValue> = [:]) {
        log(.error, message(), fields)
    }
    public func critical(_ message: @autoclosure () -> String, _ fields: KeyValuePairs<String, LogValue> = [:]) {
        log(.critical, message(), fields)
    }
}
