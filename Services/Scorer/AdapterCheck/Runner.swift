import Glibc
import Protobuf
import Serving

/// Runs the checks one after another and shows what came of them.
struct Runner {
    var options: Options
    var words: [String]

    struct Line {
        var check: Check
        var mark: String
        var text: String
    }

    /// - Returns: whether everything holds.
    func run() -> Bool {
        var lines: [Line] = []
        guard let scratch = try? Folder(in: getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp") else {
            Output.complain("adapter-check: no folder for its files can be made\n")
            return false
        }
        defer { Files.remove(scratch.path) }
        for check in Check.all where options.checks.isEmpty || options.checks.contains(check.name) {
            let line = run(check, scratch)
            lines.append(line)
            if !options.isJSON { show(line) }
        }
        let failed = lines.filter { $0.mark == "failed" }
        if options.isJSON {
            Output.write(json(lines) + "\n")
        } else {
            let verdict =
                failed.isEmpty
                ? "\(lines.count) checks: the adapter keeps its contract"
                : "\(lines.count) checks, \(failed.count) failed: \(failed.map(\.check.name).joined(separator: ", "))"
            Output.write("\n\(verdict)\n")
        }
        return failed.isEmpty
    }

    private func run(_ check: Check, _ scratch: Folder) -> Line {
        let arguments = words + ["--scratch", scratch.path, "--child-of-adapter-check", check.name]
        // A check ends by itself where it can; this is for those that hang.
        let limit = Duration.seconds(options.seconds * 2 + 30)
        do throws(ServingError) {
            let child = try ChildProcess.run("/proc/self/exe", arguments, input: [], atMost: limit)
            let output = String(decoding: child.output, as: UTF8.self)
            switch child.ending {
            case .ranOut: return Line(check: check, mark: "failed", text: "it hung for \(limit)" + words(of: child))
            case .crashed(let signal):
                return Line(
                    check: check, mark: "failed",
                    text: "it crashed with \(ChildProcess.signalName(signal))" + words(of: child))
            case .exited(let code):
                guard let newline = output.firstIndex(of: "\n") else {
                    return Line(
                        check: check, mark: "failed", text: "it ended the process with code \(code)" + words(of: child))
                }
                return Line(
                    check: check, mark: String(output[..<newline]),
                    text: String(output[output.index(after: newline)...]))
            }
        } catch {
            return Line(check: check, mark: "failed", text: error.message)
        }
    }

    private func words(of child: ChildProcess) -> String {
        let lines = String(decoding: child.lastWords, as: UTF8.self).split(separator: "\n") as [Substring]
        return lines.last.map { ": \($0)" } ?? ""
    }

    private func show(_ line: Line) {
        let marks = ["passed": "ok  ", "noted": "note", "skipped": "-   ", "failed": "FAIL"]
        let name = line.check.name + String(repeating: " ", count: max(1, 16 - line.check.name.count))
        let text = line.text.isEmpty ? line.check.promise : "\(line.check.promise): \(line.text)"
        Output.write("\(marks[line.mark] ?? line.mark) \(name)\(text)\n")
    }

    private func json(_ lines: [Line]) -> String {
        var json = JSONWriter()
        json.beginObject()
        json.key("library")
        json.string(options.library)
        json.key("passed")
        json.boolean(lines.allSatisfy { $0.mark != "failed" })
        json.key("checks")
        json.beginArray()
        for line in lines {
            json.element()
            json.beginObject()
            for (key, value) in [
                ("name", line.check.name), ("result", line.mark), ("promise", line.check.promise), ("text", line.text),
            ] {
                json.key(key)
                json.string(value)
            }
            json.endObject()
        }
        json.endArray()
        json.endObject()
        return String(decoding: json.bytes, as: UTF8.self)
    }
}
