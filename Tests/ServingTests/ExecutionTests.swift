import Loop
import Serving
import Testing

@Suite("Executing requests")
struct ExecutionTests {
    @Test("a quick model executes on the loop that reads the request, and says so")
    func inline() async throws {
        try await Bench.run { bench in
            try await bench.state([Bench.version("m") { $0.execution.inlineLimit = .seconds(1) }])
            #expect(try await bench.infer("m").timing.ranInline)
            let fact = try bench.manager.summary(of: ModelReference(name: "m")).facts.first { $0.name == "execution" }
            #expect(fact?.value.hasPrefix("on the event loop: ") == true)
        }
    }

    @Test("a model that is slow with large batches executes small ones on the loop and large ones on the pool")
    func leavesInline() async throws {
        try await Bench.run { bench in
            try await bench.state([Bench.version("m", options: ["burn_us": "2000"])])
            #expect(try await !bench.infer("m").timing.ranInline)
            try await bench.state([
                Bench.version("m", fingerprint: 2) { $0.execution.inlineLimit = .milliseconds(500) }
            ])
            #expect(try await bench.infer("m").timing.ranInline)
        }
    }

    @Test("requests that wait for a busy instance are joined, and each gets its own answer")
    func joins() async throws {
        try await Bench.run { bench in
            try await bench.state([
                Bench.version("m", options: ["factor": "2", "hold": ""]) {
                    $0.warmup.isGenerated = false
                    $0.execution.instances = 1
                    $0.execution.batching.joins = true
                }
            ])
            async let first = bench.infer("m", [0, 0])
            await bench.framework.gate.waitForWaiting(1)
            let answers = try await withThrowingTaskGroup(of: (Int, InferenceAnswer).self) { group in
                for client in 1...20 {
                    group.addTask { (client, try await bench.infer("m", [Float(client), 1], on: client)) }
                }
                while bench.waiting("m") < 20 { await Task.yield() }
                bench.framework.gate.open()
                return try await group.reduce(into: []) { $0.append($1) }
            }
            for (client, answer) in answers {
                #expect(answer.outputs[0].floats == [Float(client) * 2, 2])
                #expect(answer.timing.batchSize == 20)
                #expect(answer.timing.closing == .idle)
            }
            _ = try await first
            let statistics = try bench.manager.statistics(of: ModelReference(name: "m"))[0]
            #expect(statistics.inferences == 21 && statistics.executions == 2 && statistics.success.count == 21)
            #expect(statistics.batches.map(\.size) == [1, 20])
            #expect(statistics.lastInferenceMilliseconds > 1_600_000_000_000)
        }
    }

    @Test("one bad request of a batch fails alone")
    func poison() async throws {
        try await Bench.run { bench in
            try await bench.state([
                Bench.version("m", options: ["hold": "", "poison": "13"]) {
                    $0.warmup.isGenerated = false
                    $0.execution.instances = 1
                    $0.execution.batching.joins = true
                }
            ])
            async let first = bench.infer("m", [0, 0])
            await bench.framework.gate.waitForWaiting(1)
            let answers = await withTaskGroup(of: (Int, Bool).self) { group in
                for client in 10..<16 {
                    group.addTask { (client, (try? await bench.infer("m", [Float(client), 1])) != nil) }
                }
                while bench.waiting("m") < 6 { await Task.yield() }
                bench.framework.gate.open()
                return await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
            }
            #expect(answers.filter { !$0.value }.map(\.key) == [13])
            _ = try await first
        }
    }

    @Test("shapes that differ behind the first dimension are never joined")
    func shapes() async throws {
        try await Bench.run { bench in
            try await bench.state([
                Bench.version("m", options: ["hold": "", "free": ""]) {
                    $0.warmup.isGenerated = false
                    $0.execution.instances = 1
                    $0.execution.batching.joins = true
                }
            ])
            async let first = bench.infer("m", [0, 0])
            await bench.framework.gate.waitForWaiting(1)
            async let wide = bench.infer("m", [1, 2, 3, 4], columns: 4)
            async let narrow = bench.infer("m", [1, 2, 3, 4], columns: 2)
            while bench.waiting("m") < 2 { await Task.yield() }
            bench.framework.gate.open()
            #expect(try await wide.outputs[0].shape == [1, 4])
            #expect(try await narrow.outputs[0].shape == [2, 2])
            #expect(try await wide.timing.batchSize == 1)
            _ = try await first
        }
    }

    @Test("over its limit the queue refuses, and says when to come again")
    func overloaded() async throws {
        try await Bench.run { bench in
            try await bench.state([
                Bench.version("m", options: ["hold": ""]) {
                    $0.warmup.isGenerated = false
                    $0.execution.instances = 1
                    $0.execution.batching.limit = 1
                    $0.execution.queueWait = .seconds(3600)
                }
            ])
            async let first = bench.infer("m")
            await bench.framework.gate.waitForWaiting(1)
            async let second = bench.infer("m")
            while bench.waiting("m") < 1 { await Task.yield() }
            let error = await #expect(throws: ServingError.self) { _ = try await bench.infer("m") }
            #expect(error?.kind == .overloaded)
            #expect(error?.message == "model 'm': 1 requests wait already")
            #expect(error?.retryAfter == .seconds(3600))
            bench.framework.gate.open()
            _ = try await (first, second)
        }
    }

    @Test("a request whose time runs out leaves the queue, or its execution, with an error that says where")
    func deadlines() async throws {
        try await Bench.run { bench in
            try await bench.state([
                Bench.version("m", options: ["hold": ""]) {
                    $0.warmup.isGenerated = false
                    $0.execution.instances = 1
                    $0.execution.timeout = .milliseconds(30)
                }
            ])
            let first = Task { try await bench.infer("m") }
            await bench.framework.gate.waitForWaiting(1)
            await expectError(.deadlineExceeded, "model 'm': the request's time of 0.03 seconds ran out in the queue") {
                _ = try await bench.infer("m")
            }
            await expectError(
                .deadlineExceeded, "model 'm': the request's time of 0.03 seconds ran out while it was executed"
            ) { _ = try await first.value }
            #expect(bench.waiting("m") == 0)
        }
    }

    @Test("a request that waited too long for its turn is refused as overload")
    func queueWait() async throws {
        try await Bench.run { bench in
            try await bench.state([
                Bench.version("m", options: ["hold": ""]) {
                    $0.warmup.isGenerated = false
                    $0.execution.instances = 1
                    $0.execution.queueWait = .milliseconds(5)
                }
            ])
            async let first = bench.infer("m")
            await bench.framework.gate.waitForWaiting(1)
            let error = await #expect(throws: ServingError.self) { _ = try await bench.infer("m") }
            #expect(error?.kind == .overloaded)
            #expect(error?.message == "model 'm': the request waited 0.005 seconds for its turn")
            bench.framework.gate.open()
            _ = try await first
        }
    }

    @Test("a caller that gives up leaves the queue")
    func cancels() async throws {
        try await Bench.run { bench in
            try await bench.state([
                Bench.version("m", options: ["hold": ""]) {
                    $0.warmup.isGenerated = false
                    $0.execution.instances = 1
                }
            ])
            async let first = bench.infer("m")
            await bench.framework.gate.waitForWaiting(1)
            let request = InferenceRequest(
                model: ModelReference(name: "m"), inputs: [.floats("x", [1, 2], [1, 2])])
            let second = Task { try await bench.manager.infer(request) }
            while bench.waiting("m") < 1 { await Task.yield() }
            second.cancel()
            let error = await #expect(throws: ServingError.self) { _ = try await second.value }
            #expect(error?.kind == .cancelled)
            #expect(bench.waiting("m") == 0)
            bench.framework.gate.open()
            _ = try await first
            #expect(try bench.manager.statistics(of: nil)[0].cancelled.count == 1)
        }
    }

    @Test("executions that end on another thread are answered, with and without joining", arguments: [true, false])
    func later(joins: Bool) async throws {
        try await Bench.run { bench in
            try await bench.state([
                Bench.version("m", options: ["later": "", "factor": "3"]) {
                    $0.execution.batching.joins = joins
                    $0.execution.inlineLimit = .seconds(1)
                }
            ])
            try await withThrowingTaskGroup(of: Void.self) { group in
                for client in 0..<64 {
                    group.addTask {
                        for round in 0..<5 {
                            let number = Float(client * 10 + round)
                            let answer = try await bench.infer("m", [number, 1], on: client)
                            #expect(answer.outputs[0].floats == [number * 3, 3])
                        }
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    @Test("outputs come as they are asked for")
    func outputs() async throws {
        try await Bench.run { bench in
            try await bench.state([Bench.version("m")])
            let request = InferenceRequest(
                model: ModelReference(name: "m"), inputs: [.floats("x", [1, 2], [1, 2])], outputs: ["factor", "y"])
            #expect(try await bench.manager.infer(request).outputs.map(\.name) == ["factor", "y"])
        }
    }
}
