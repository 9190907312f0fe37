import CLinux
import Glibc
import Loop
import Protobuf
import Testing

@testable import ServiceKit

@Suite("logging")
struct LoggingTests {
    @Test("a JSON line holds time, level, part, message, trace and fields, and nothing breaks it")
    func json() throws {
        let log = try CapturedLog()
        try log.writer.start()
        let trace = try #require(
            TraceContext(traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"))
        TraceContext.$current.withValue(trace) {
            Logger("registry", writer: log.writer).with(["workspace": "a"]).info(
                "a \"model\"\nwas \u{1}added\u{7f}",
                ["size": 17, "share": 0.5, "new": true, "message": "a second one", "why": "ä\\"])
        }
        let line = log.text()
        #expect(line.hasSuffix("}\n") && line.filter { $0 == "\n" }.count == 1)
        #expect(line.hasPrefix("{\"time\":\"20"))
        #expect(
            line.contains(
                #""level":"info","part":"registry","message":"a \"model\"\nwas \u0001added\u007f","#
                    + #""trace_id":"0af7651916cd43dd8448eb211c80319c","span_id":"b7ad6b7169203331","#
                    + #""workspace":"a","size":17,"share":0.5,"new":true,"message_":"a second one","why":"ä\\"}"#))
        let parsed = try Google.Protobuf.Struct(json: line)
        #expect(parsed.fields.count == 12)
    }

    @Test("a readable line stays one line, whatever it is given")
    func readable() throws {
        let log = try CapturedLog(.readable)
        try log.writer.start()
        Logger("registry", writer: log.writer).warning(
            "two\nlines \u{1b}[31m", ["plain": "x", "spaced": "a b", "forged": "1\n2030 ERROR fake", "empty": ""])
        let text = log.text()
        #expect(text.filter { $0 == "\n" }.count == 1 && !text.contains("\u{1b}"))
        #expect(
            text.contains(
                #"Z WARNING  registry: two\nlines \u001b[31m plain=x spaced="a b" forged="1\n2030 ERROR fake" empty="""#
            ))
    }

    @Test("records below the level are not made")
    func levels() throws {
        let log = try CapturedLog()
        try log.writer.start()
        let logger = Logger("x", writer: log.writer, level: .warning)
        func never() -> String {
            Issue.record("the message was made")
            return ""
        }
        logger.info(never())
        logger.error("seen")
        #expect(log.text().split(separator: "\n").count == 1)
    }

    @Test("with a full queue whoever logs goes on, and what was lost is counted and reported")
    func bounded() async throws {
        var ends: [Int32] = [0, 0]
        try #require(pipe2(&ends, O_CLOEXEC) == 0)
        var configuration = LogWriter.Configuration()
        configuration.descriptor = ends[1]
        configuration.format = .json
        configuration.queueLimit = 100
        let writer = LogWriter(configuration)
        let logger = Logger("x", writer: writer)
        try writer.start()
        // Nobody reads the pipe: its 64 KiB and the queue fill up. That this loop ends at all is the point.
        let filler = String(repeating: "x", count: 1000)
        for _ in 0..<5000 { logger.info(filler) }
        let dropped = writer.droppedCount
        #expect(dropped > 4000)
        let reader = Lock("")
        let source = ends[0]
        let reading = try startThread(named: "reader") {
            var bytes = [UInt8](repeating: 0, count: 65536)
            while true {
                let count = read(source, &bytes, bytes.count)
                guard count > 0 else { return }
                reader.withLock { $0 += String(decoding: bytes[..<count], as: UTF8.self) }
            }
        }
        await writer.flush()
        writer.stop()
        close(ends[1])
        pthread_join(reading, nil)
        close(ends[0])
        let reported = reader.withLock { $0 }.split(separator: "\n").compactMap { line -> Int? in
            guard line.contains("records were dropped"), let colon = line.lastIndex(of: ":") else { return nil }
            return Int(line[line.index(after: colon)...].dropLast())
        }
        #expect(reported.reduce(0, +) == dropped)
        #expect(writer.writtenCount + dropped == 5000)
    }

    @Test("flush returns when everything before it is written, also when nothing waits")
    func flush() async throws {
        let log = try CapturedLog()
        let logger = Logger("x", writer: log.writer)
        await log.writer.flush()
        try log.writer.start()
        await log.writer.flush()
        for _ in 0..<100 { logger.info("line") }
        await log.writer.flush()
        #expect(log.writer.writtenCount == 100)
        log.writer.stop()
    }

    @Test("fields with telling names and known secrets anywhere are stars", arguments: [LogFormat.json, .readable])
    func redaction(_ format: LogFormat) throws {
        let redactor = Redactor()
        let secrets = ["hunter2!", "say \"friend\"\nand enter", "päss wörd", "hunter2!hunter2!"]
        redactor.add(secrets.map { Secret($0) })
        let log = try CapturedLog(format, redactor: redactor)
        try log.writer.start()
        let logger = Logger("x", writer: log.writer)
        for secret in secrets {
            logger.error("cannot connect to postgres://me:\(secret)@host", ["url": .string("x\(secret)\(secret)y")])
            logger.info(
                "ok", ["db_password": .string(secret), "Authorization": "Bearer abcdef", "s": LogValue(Secret(secret))])
        }
        let text = log.text()
        for part in ["hunter2", "friend", "and enter", "wörd", "abcdef"] { #expect(!text.contains(part), "\(part)") }
        #expect(text.contains("postgres://me:****@host"))
    }

    @Test("a text over the limit is cut, and not through a secret")
    func cutting() throws {
        let redactor = Redactor()
        redactor.add([Secret("hunter2!hunter2!")])
        let log = try CapturedLog(redactor: redactor)
        try log.writer.start()
        let text = String(repeating: "x", count: 16 * 1024 - 8) + "hunter2!hunter2!" + String(repeating: "y", count: 99)
        Logger("x", writer: log.writer).info(text, ["more": .string(text), "tokens": 17])
        let line = log.text()
        #expect(
            !line.contains("hunter2!") && line.contains("****") && line.contains("…") && line.contains("\"tokens\":17"))
        #expect(line.utf8.count < 34_000)
    }

    @Test("a reader that never reads does not keep the log from stopping")
    func stuckReader() throws {
        var ends: [Int32] = [0, 0]
        try #require(pipe2(&ends, O_CLOEXEC) == 0)
        var configuration = LogWriter.Configuration()
        configuration.descriptor = ends[1]
        let writer = LogWriter(configuration)
        try writer.start()
        for _ in 0..<200 { Logger("x", writer: writer).info(String(repeating: "x", count: 1000)) }
        let started = ContinuousClock.now
        writer.stop(within: .milliseconds(50))
        #expect(ContinuousClock.now - started < .seconds(2))
        // Lets the thread go: its write fails once nobody can read any more.
        signal(SIGPIPE, SIG_IGN)
        close(ends[0])
    }
}
