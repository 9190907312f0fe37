internal import YAML

/// Reads what a model wants to be installed, from the files that Python's tools use.
struct EnvironmentReader {
    private(set) var environment: ModelEnvironment
    let limits: RecognitionLimits

    init(_ environment: ModelEnvironment, limits: RecognitionLimits) {
        self.environment = environment
        self.limits = limits
    }

    static let names: Set<String> = ["requirements.txt", "conda.yaml", "python_env.yaml"]

    /// Lines that are neither empty nor comments.
    mutating func readRequirements(_ bytes: [UInt8]) {
        for line in bytes.split(whereSeparator: { $0 == 0x0a || $0 == 0x0d }) {
            let text = Self.trimmed(line)
            guard !text.isEmpty, !text.hasPrefix("#"), environment.requirements.count < limits.listCountMax else {
                continue
            }
            environment.requirements.append(text)
        }
    }

    mutating func readConda(_ bytes: [UInt8]) throws {
        let document = try YAMLReader.read(bytes, limits: limits)
        environment.condaChannels = document["channels"].list.map(\.text).filter { !$0.isEmpty }
        for dependency in document["dependencies"].list {
            if case .text(let text, _) = dependency {
                environment.condaDependencies.append(text)
                if environment.pythonVersion.isEmpty, text.hasPrefix("python=") {
                    environment.pythonVersion = String(text.dropFirst(7).drop { $0 == "=" })
                }
            } else if environment.requirements.isEmpty {
                environment.requirements = dependency["pip"].list.map(\.text).filter { !$0.isEmpty }
            }
        }
    }

    mutating func readPython(_ bytes: [UInt8]) throws {
        let document = try YAMLReader.read(bytes, limits: limits)
        if !document["python"].text.isEmpty { environment.pythonVersion = document["python"].text }
        environment.buildRequirements = document["build_dependencies"].list.map(\.text).filter { !$0.isEmpty }
        if environment.requirements.isEmpty {
            environment.requirements = document["dependencies"].list.map(\.text)
                .filter { !$0.isEmpty && !$0.hasPrefix("-r ") }
        }
    }

    private static func trimmed(_ line: ArraySlice<UInt8>) -> String {
        var line = line
        while let last = line.last, last == 0x20 || last == 0x09 { line.removeLast() }
        return String(decoding: line.drop { $0 == 0x20 || $0 == 0x09 }, as: UTF8.self)
    }
}
