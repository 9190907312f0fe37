import Glibc
import Loop
import TestKit
import Testing

@testable import DeployerTargets

@Suite("replicas as processes")
struct ProcessTargetTests {
    @Test("nobody but the replica sees its key: not in the list of processes, not in a file")
    func secrets() async throws {
        let place = try ProcessPlace()
        try await ConformanceCase("") { bench in
            let order = try await bench.order(variables: ["SECRET": "word-\(ConformanceBench.newID())"])
            let visitor = try await bench.serving(order)
            #expect(try visitor.get("/env/SCORER_ACCESS_KEYS") == order.accessKey)
            for secret in [order.accessKey, order.variables["SECRET"] ?? ""] {
                for process in Tree.names(in: "/proc") where Int(process) != nil {
                    guard let words = try? Bytes.ofFile("/proc/\(process)/cmdline") else { continue }
                    #expect(!String(decoding: words, as: UTF8.self).contains(secret), "\(process)")
                }
                let found = try Shell.output("grep -rlF '\(secret)' '\(place.folder.path)/place' || true")
                #expect(found.isEmpty)
            }
        }.run(place)
    }

    @Test("a replica has no rights, and none to get, and sees no other process")
    func rights() async throws {
        try await ConformanceCase("") { bench in
            let visitor = try await bench.serving(bench.order())
            let status = try visitor.get("/read/proc/self/status")
            let lines = status.split(separator: "\n").map { $0.split(whereSeparator: { $0 == "\t" || $0 == " " }) }
            func value(_ key: String) -> Substring? { lines.first { $0.first == Substring(key) }?.last }
            for set in ["CapInh:", "CapPrm:", "CapEff:", "CapBnd:", "CapAmb:"] {
                #expect(value(set) == "0000000000000000", "\(set)")
            }
            #expect(value("NoNewPrivs:") == "1")
            #expect(value("Pid:") == "2")
            #expect(try visitor.get("/read/proc/1/environ").hasPrefix("("))
            #expect(try visitor.get("/write/proc/sys/kernel/hostname") != "written")
        }.run(ProcessPlace())
    }

    @Test("when a replica's supervisor is killed the replica ends too, and nobody pretends to know how")
    func supervisorKilled() async throws {
        let place = try ProcessPlace()
        try await ConformanceCase("") { bench in
            let order = try await bench.order()
            let visitor = try await bench.serving(order)
            let folder = ReplicaFolder(order.id, in: "\(place.folder.path)/place")
            _ = try await bench.lines(of: order.id, atLeast: 1)
            kill(try #require(folder.supervisor), SIGKILL)
            let ending = try await bench.ending(order.id)
            #expect(ending.code == nil && ending.signal == nil && ending.at == nil)
            #expect(ending.lastWords.contains("started with"))
            try await bench.wait("nobody listens") { (try? visitor.get("/readyz")) == nil }
            // It is not started again, as others that have ended are not.
            try await bench.target.start(order)
            #expect(folder.supervisor == nil)
            try await bench.target.remove(order.id)
        }.run(place)
    }

    @Test("a deployer that is killed before the replica's beginning leaves nothing that counts")
    func killedBeforeTheBeginning() async throws {
        let place = try ProcessPlace()
        try await ConformanceCase("") { bench in
            let order = try await bench.order()
            let folder = ReplicaFolder(order.id, in: "\(place.folder.path)/place")
            try Tree.make("\(folder.path)/run")
            try folder.write(ReplicaRecord(order, startedAt: 1))
            #expect(try await bench.target.observe().isEmpty)
            #expect(!folder.exists)
            try Tree.make("\(folder.path)/run")
            try folder.write(ReplicaRecord(order, startedAt: 1))
            _ = try await bench.serving(order)
        }.run(place)
    }

    @Test("a deployer that is killed at any moment of a start leaves one replica or none, and the next makes it one")
    func killedWhileStarting() async throws {
        let place = try ProcessPlace()
        try await ConformanceCase("") { bench in
            let prepared = try await bench.order()
            let seed = UInt64.random(in: 0...UInt64.max)
            var random = SeededGenerator(seed: seed)
            for round in 0..<12 {
                var order = prepared
                order.id = ConformanceBench.newID()
                let starter = try ReplicaStarterProcess(bench, order, waits: false)
                // The program begins, opens its store and starts the replica within about that time.
                try await Task.sleep(for: .microseconds(Int.random(in: 0...150_000, using: &random)))
                starter.end(with: SIGKILL)
                let visitor = try await bench.serving(order)
                let nonces = try (0..<3).map { _ in try visitor.get("/nonce") }
                #expect(Set(nonces).count == 1, "seed \(seed), round \(round)")
                #expect(try await bench.target.observe().filter { $0.id == order.id }.count == 1)
                let holders = try Shell.output(
                    "ls -l /proc/[0-9]*/fd 2>/dev/null | grep -c 'alive/\(order.id)$' || true")
                #expect(holders == "1\n", "seed \(seed), round \(round)")
                try await bench.target.stop(order.id, grace: .seconds(30))
            }
        }.run(place)
    }

    @Test("a log has a bounded size, and a follower misses nothing of it")
    func logsAreBounded() async throws {
        let place = try ProcessPlace()
        try await ConformanceCase("") { bench in
            let target = try await place.open(suite: bench.suite) { $0.logBytes = 64 << 10 }
            let order = try await bench.order()
            try await target.start(order)
            let visitor = try await bench.visitor(order.id)
            let seen = Lock([String]())
            let following = Task {
                try await target.log(of: order.id, lines: 5, follow: true) { line in
                    seen.withLock { $0.append(line.text) }
                }
            }
            defer { following.cancel() }
            try await bench.wait("the follower follows") { seen.withLock { !$0.isEmpty } }
            for round in 1...10 {
                try visitor.get("/lines/1000")
                try await bench.wait("round \(round)") { seen.withLock { $0.count { $0 == "line 1000" } } == round }
            }
            #expect(seen.withLock { $0.filter { $0.hasPrefix("line ") }.count } == 10_000)
            for name in ["log", "log.1"] {
                let bytes = try Bytes.ofFile("\(place.folder.path)/place/replicas/\(order.id)/\(name)")
                #expect(bytes.count <= 64 << 10)
            }
            let last = try await bench.lines(of: order.id, atLeast: 1000, last: 1000)
            #expect(last == (1...1000).map { "line \($0)" })
        }.run(place)
    }

    @Test("a folder that is too deep for sockets is refused with what would fit")
    func deepFolders() async throws {
        let place = try ProcessPlace()
        let error = await #expect(throws: TargetError.self) {
            _ = try await place.open(suite: "deep") { $0.folder += String(repeating: "/deep", count: 20) }
        }
        #expect(error?.code == .refused)
        #expect(error?.message.contains("107") ?? false)
    }

    @Test(
        "names that are none never become paths", arguments: ["../../etc", "", "A0000000-0000-0000-0000-000000000000"])
    func names(_ id: String) async throws {
        try await ConformanceCase("") { bench in
            var order = try await bench.order()
            order.id = id
            #expect(try await bench.failure { try await bench.target.start(order) }.code == .refused)
            try await bench.target.stop(id, grace: .zero)
            try await bench.target.remove(id)
        }.run(ProcessPlace())
    }

    @Test(
        "without root, a namespace of users does",
        .enabled(if: geteuid() == 0 && access("/usr/bin/setpriv", X_OK) == 0))
    func withoutRoot() async throws {
        let place = try ProcessPlace()
        try await ConformanceCase("") { bench in
            let order = try await bench.order()
            // A folder and a store of somebody else's.
            let folder = "\(place.folder.path)/theirs"
            try Tree.make(folder)
            _ = try Shell.output("chown -R 65534:65534 '\(folder)' '\(bench.images.folder.path)'")
            let launcher = try ProcessPlace.launcher.get()
            let starter = try ReplicaStarterProcess(
                bench, order,
                under: ["/usr/bin/setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--"],
                words: ["process", folder, launcher])
            let theirs = try await place.open(suite: bench.suite) { $0.folder = folder }
            let visitor = try await bench.visitor(order.id, by: theirs)
            #expect(try visitor.get("/who") == "65532:65532 /work")
            #expect(try visitor.get("/write/work/greeting") != "written")
            #expect(try visitor.get("/write/tmp/mine") == "written")
            #expect(try visitor.get("/read/etc/shadow").hasPrefix("("))
            starter.end(with: SIGKILL)
            #expect(try visitor.get("/readyz") == "ready")
            try await theirs.stop(order.id, grace: .seconds(30))
            let replica = try await bench.observed(order.id, by: theirs) { $0.hasEnded }
            guard case .ended(let ending) = replica.state else { return }
            #expect(ending.code == 0)
        }.run(place)
    }

    @Test("a record is read as it was written")
    func records() async throws {
        let images = try await TestImages()
        let order = ReplicaOrder(
            id: ConformanceBench.newID(),
            owner: ReplicaOwner(
                suite: "a b", workspace: "w\\n", deployment: "line\nbreak \\", deploymentID: .max, revision: 3),
            image: try await images.small(), needs: ReplicaNeeds(cpuMillis: 1, memoryBytes: 2, gpus: 3), accessKey: "k",
            fence: -4)
        let record = ReplicaRecord(order, startedAt: 5)
        #expect(ReplicaRecord(text: record.text) == record)
        #expect(ReplicaRecord(text: "suite only") == nil)
        #expect(!record.text.contains("k\n"))
    }
}

enum Shell {
    struct Failure: Error {
        let command: String
    }

    static func output(_ command: String) throws -> String {
        guard let pipe = popen(command, "r") else { throw Failure(command: command) }
        var text = ""
        var line = [CChar](repeating: 0, count: 4096)
        while fgets(&line, Int32(line.count), pipe) != nil {
            text += String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
        guard pclose(pipe) == 0 else { throw Failure(command: command) }
        return text
    }
}
