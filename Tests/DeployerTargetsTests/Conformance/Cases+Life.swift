import DeployerTargets
import HTTP
import Loop
import OCI
import Testing

extension ConformanceCase {
    /// From the order to where nothing is left.
    static let life = [
        ConformanceCase("a check says what the place is and has") { bench in
            let facts = try await bench.target.check()
            #expect(!facts.version.isEmpty)
            #expect(facts.total.cpuMillis > 0)
            #expect(facts.total.memoryBytes > 0)
        },
        ConformanceCase("an image is prepared once, with progress to its end") { bench in
            let image = try await bench.images.small()
            for _ in 0..<2 {
                let seen = Lock([PreparationProgress]())
                try await bench.target.prepare(image) { step in seen.withLock { $0.append(step) } }
                let steps = seen.withLock { $0 }
                let last = try #require(steps.last)
                #expect(last.doneBytes == last.totalBytes)
                #expect(zip(steps, steps.dropFirst()).allSatisfy { $0.doneBytes <= $1.doneBytes })
            }
        },
        ConformanceCase("a replica answers, is seen with its owner and start, stops and is forgotten") { bench in
            let order = try await bench.order()
            let visitor = try await bench.serving(order)
            let seen = try await bench.observed(order.id) { $0.state == .running }
            #expect(seen.owner == order.owner)
            #expect(seen.address == visitor.address)
            #expect((seen.startedAt ?? 0) > 1_600_000_000_000_000_000)
            try await bench.target.stop(order.id, grace: .seconds(30))
            let ending = try await bench.ending(order.id)
            #expect(ending.code == 0)
            #expect(ending.signal == nil)
            #expect(!ending.ranOutOfMemory)
            #expect(ending.lastWords.contains("ending as asked"))
            #expect((ending.at ?? 0) >= (seen.startedAt ?? .max))
            try await bench.target.remove(order.id)
            #expect(try await bench.target.observe().isEmpty)
        },
        ConformanceCase("the process has the image's command, variables, folder and user, and the order's on top") {
            bench in
            let image = try await bench.images.small { $0.command = ["serve"] }
            var order = try await bench.order(
                image, variables: ["CHANGED": "yes", "EMPTY": "", "ODD": "a=b 'c' \"d\""])
            order.concurrency = 7
            let visitor = try await bench.serving(order)
            #expect(try visitor.get("/env/FROM_IMAGE") == "yes")
            #expect(try visitor.get("/env/CHANGED") == "yes")
            #expect(try visitor.get("/env/EMPTY") == "")
            #expect(try visitor.get("/env/ODD") == "a=b 'c' \"d\"")
            #expect(try visitor.get("/key") == order.accessKey)
            #expect(try visitor.get("/env/SCORER_DEFAULTS_CONCURRENCY") == "7")
            #expect(try visitor.get("/who") == "65532:65532 /work")
            #expect(try visitor.get("/read/work/greeting") == "hello from the image")
            let lines = try await bench.lines(of: order.id, atLeast: 1)
            #expect(lines.contains("started with 1 words: serve"))
        },
        ConformanceCase("a replica can write below /tmp and /dev/shm alone, and shares neither") { bench in
            let image = try await bench.images.small()
            let first = try await bench.serving(bench.order(image))
            let second = try await bench.serving(bench.order(image))
            #expect(try first.get("/write/tmp/mine") == "written")
            #expect(try first.get("/write/dev/shm/mine") == "written")
            #expect(try first.get("/write/work/mine") != "written")
            #expect(try first.get("/write/bin/replica") != "written")
            #expect(try second.get("/read/tmp/mine") == "(No such file or directory)")
            #expect(try second.get("/read/dev/shm/mine") == "(No such file or directory)")
        },
        ConformanceCase("a replica sees nothing of the machine's files, and not the variables of who started it") {
            bench in
            let visitor = try await bench.serving(bench.order())
            #expect(try visitor.get("/read/etc/shadow").hasPrefix("("))
            #expect(try visitor.get("/read/root/.bashrc").hasPrefix("("))
            let names = try visitor.get("/environment").split(separator: "\n").compactMap {
                $0.split(separator: "=").first
            }
            let known: Set<Substring> = [
                "PATH", "FROM_IMAGE", "CHANGED", "SCORER_LISTEN", "SCORER_ACCESS_KEYS", "SCORER_ACCESS_KEYS_FILE",
                "SCORER_DEFAULTS_CONCURRENCY", "HOSTNAME", "HOME",
            ]
            #expect(Set(names).subtracting(known).isEmpty)
        },
    ]
}

extension ConformanceBench {
    /// The texts of the last lines, as soon as there are so many.
    func lines(of id: ReplicaID, atLeast count: Int, last: Int = 100) async throws -> [String] {
        var found: [String] = []
        try await wait("\(count) lines of \(id)") {
            let seen = Lock([String]())
            try await target.log(of: id, lines: last, follow: false) { line in seen.withLock { $0.append(line.text) } }
            found = seen.withLock { $0 }
            return found.count >= count
        }
        return found
    }
}
