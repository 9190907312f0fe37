import Glibc
import HTTP
import InferenceContracts
import Loop
import ProgramKit
import RPC
import Synchronization

/// Sends a running scorer requests of every kind, good ones and bad ones, and compares each answer with what belongs to
/// its input:
///
///     bench-scoring-load --port 8080 --models mlp,trees --count 1000000 --clients 64
///
/// The first model is the one that `/score` and `/invocations` mean. A line comes every `--report` requests; the first
/// failures are told, and one failure is exit code 1.
@main
struct ScoringLoad {
    static func main() async {
        await Program.main {
            let flags = try Flags(known: ["port", "models", "count", "clients", "loops", "report"])
            let port = try flags.integer("port", default: 8080)
            let count = try flags.integer("count", default: 100_000)
            let report = try max(1, flags.integer("report", default: max(1, count / 20)))
            let names = (flags.string("models") ?? "").split(separator: ",").map(String.init)
            guard !names.isEmpty else { throw FlagError("--models names at least one model") }
            let loops = try LoopGroup(count: flags.integer("loops", default: 1))
            let resolver = ComputePool(threads: 1)
            try resolver.start()
            try loops.start()
            let target = Target(port: port, loops: loops, resolver: resolver)
            let plan = try await Plan(target, models: names)
            let load = Load(target: target, plan: plan, count: count, report: report)
            await load.run(clients: try max(1, flags.integer("clients", default: 64)), loops: loops)
            let failures = load.tally.failures.load(ordering: .relaxed)
            Program.say(load.tally.text(plan))
            Program.say("\(load.tally.done.load(ordering: .relaxed)) requests, \(failures) failures")
            exit(failures == 0 ? 0 : 1)
        }
    }
}

/// The scorer, as its clients reach it.
struct Target: Sendable {
    let port: Int
    let channel: NetworkChannel
    let inference: Inference.GRPCInferenceService.Client
    let http: HTTPClient

    init(port: Int, loops: LoopGroup, resolver: ComputePool) {
        self.port = port
        var configuration = ChannelConfiguration()
        configuration.retry = .never
        configuration.resolver = resolver
        channel = NetworkChannel(.tcp(host: "127.0.0.1", port: port), loops: loops, configuration: configuration)
        inference = Inference.GRPCInferenceService.Client(channel)
        var pooled = HTTPClient.Configuration(wanted: .http11)
        pooled.connectionsPerOrigin = 64
        http = HTTPClient(loops: loops, resolver: resolver, configuration: pooled)
    }

    /// Status and body of a request that is sent whole.
    func post(_ path: String, _ fields: HeaderFields, _ body: [UInt8]) async throws -> (status: Int, body: [UInt8]) {
        let head = RequestHead(method: .post, authority: "127.0.0.1:\(port)", path: path, fields: fields)
        return try await http.execute(head, .bytes(body), deadline: .seconds(60)) { head, body in
            (head.status, try await body.collect(upTo: 1 << 26))
        }
    }
}

/// Clients that take requests from the plan until all are sent.
final class Load: Sendable {
    let tally: Tally
    private let target: Target
    private let plan: Plan
    private let count: Int
    private let report: Int
    private let began = ContinuousClock.now

    init(target: Target, plan: Plan, count: Int, report: Int) {
        self.target = target
        self.plan = plan
        self.count = count
        self.report = report
        tally = Tally(shots: plan.shots.count)
    }

    func run(clients: Int, loops: LoopGroup) async {
        await withTaskGroup(of: Void.self) { group in
            for client in 0..<clients {
                group.addTask(executorPreference: loops.loops[client % loops.loops.count]) { [self] in
                    await work(UInt64(client) &+ 1)
                }
            }
        }
    }

    private func work(_ seed: UInt64) async {
        var state = seed &* 0x9E37_79B9_7F4A_7C15
        while tally.taken.add(1, ordering: .relaxed).oldValue < count {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let index = plan.index(for: state >> 33)
            do {
                try await plan.shots[index].fire(target)
            } catch {
                if tally.failures.add(1, ordering: .relaxed).oldValue < 20 {
                    Program.say("failed: \(plan.shots[index].kind): \(error)")
                }
            }
            tally.byShot[index].value.add(1, ordering: .relaxed)
            let done = tally.done.add(1, ordering: .relaxed).newValue
            if done % report == 0 {
                let seconds = Double((ContinuousClock.now - began).wholeNanoseconds) / 1e9
                let failures = tally.failures.load(ordering: .relaxed)
                Program.say("\(done) done, \(Int(Double(done) / seconds))/s, \(failures) failures")
            }
        }
    }
}

/// What was sent and what failed.
final class Tally: Sendable {
    final class Count: Sendable {
        let value = Atomic<Int>(0)
    }
    let taken = Atomic<Int>(0)
    let done = Atomic<Int>(0)
    let failures = Atomic<Int>(0)
    let byShot: [Count]

    init(shots: Int) { byShot = (0..<shots).map { _ in Count() } }

    /// How many of each kind, by name.
    func text(_ plan: Plan) -> String {
        var sums: [String: Int] = [:]
        for (shot, count) in zip(plan.shots, byShot) {
            sums[shot.kind, default: 0] += count.value.load(ordering: .relaxed)
        }
        return sums.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
    }
}
