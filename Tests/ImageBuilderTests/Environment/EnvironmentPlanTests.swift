import Testing

@testable import ImageBuilderCore

@Suite("What is to be resolved")
struct EnvironmentPlanTests {
    private func plan(
        _ text: String, _ file: String = "requirements.txt", additions: [String] = [], gpu: Bool = false,
        base: String? = nil
    ) throws -> EnvironmentPlan {
        try EnvironmentPlan(
            EnvironmentRequest(fileName: file, text: text, additions: additions, gpu: gpu, basePython: base),
            own: #require(PythonVersion("3.11.2")))
    }

    private let platform = WheelPlatform(usesBase: false)

    @Test("order, comments, case and blank lines make no other key, and everything else does")
    func key() throws {
        let key = try plan("numpy\npandas>=2,<3\n").key(platform)
        #expect(try plan("# x\n\nPandas <3, >=2  # y\nNumPy\nnumpy\n").key(platform) == key)
        #expect(
            try plan("dependencies:\n- pip:\n  - pandas>=2,<3\n- numpy\n", "environment.yml").key(platform) == key)
        #expect(try plan("numpy\npandas>=2\n").key(platform) != key)
        #expect(try plan("numpy\npandas>=2,<3\n", gpu: true).key(platform) != key)
        #expect(try plan("numpy\npandas>=2,<3\n", base: "3.11").key(platform) != key)
        #expect(try plan("numpy\npandas>=2,<3\n").key(WheelPlatform(usesBase: true)) != key)
    }

    @Test("what the model needs is added where the file does not name it")
    func additions() throws {
        let plan = try plan("numpy<2", additions: ["numpy", "scikit-learn==1.4.2"])
        #expect(plan.requirements.map(\.text) == ["numpy<2", "scikit-learn==1.4.2"])
        #expect(plan.askedFor == ["numpy"])
        let hash = "--hash=sha256:" + String(repeating: "0", count: 64)
        let error = #expect(throws: BuildFailure.self) { try self.plan("numpy==2 \(hash)", additions: ["scipy"]) }
        #expect(error?.code == "dependencies.hashes")
    }

    @Test("a Python that is not there is refused, saying which are")
    func python() throws {
        let error = #expect(throws: BuildFailure.self) { try plan("dependencies: [python=3.12]", "e.yaml") }
        #expect(error?.code == "dependencies.python")
        #expect(error?.message.contains("3.11.2") ?? false)
        #expect(error?.message.contains("base image") ?? false)
        let based = try plan("dependencies: [python=3.12]", "e.yaml", base: "3.12")
        #expect(based.usesBase && based.python.description == "3.12")
        #expect(throws: BuildFailure.self) { try plan("dependencies: [python=3.12]", "e.yaml", base: "3.10") }
    }

    @Test("the GPU flag takes the packages that compute there")
    func gpu() throws {
        #expect(
            try plan("onnxruntime>=1.18\ntensorflow\n", gpu: true).requirements.map(\.text)
                == ["onnxruntime-gpu>=1.18", "tensorflow[and-cuda]"])
    }

    @Test(
        "files of other kinds and damaged ones are refused with their name and line",
        arguments: [
            ("Pipfile", "x", "neither"), ("a/env.yml", "a: [", "a/env.yml, line 1"), ("env.yml", "a: &x 1", "anchors"),
            ("requirements.txt", "x\n-r y\n==\n", "line 2"), ("requirements.txt", "x\n-r y\n==\n", "line 3"),
        ])
    func files(_ name: String, _ text: String, _ part: String) throws {
        let error = #expect(throws: BuildFailure.self) { try plan(text, name) }
        #expect(error?.code == "dependencies.file")
        #expect(error?.message.contains(part) ?? false, "\(error?.message ?? "")")
    }
}
