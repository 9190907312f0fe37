package import Contracts
internal import Protobuf
package import ResourceKit

/// What replicas may be told, and what they are told where nobody said anything: the values of Docs/deployments.md.
package enum SettingsRules {
    package static let cpuMillis: Int32 = 100
    package static let memoryBytes: Int64 = 512 << 20
    package static let memoryBytesMin: Int64 = 16 << 20
    package static let concurrencyMax: Int32 = 10_000
    static let variablesMax = 200
    static let variableBytesMax = 32 << 10
    /// What the deployer tells replicas itself.
    static let reserved = "SCORER_ACCESS_KEYS"

    /// The settings with everything filled in.
    /// - Parameter field: where they stand in the request.
    package static func complete(
        _ given: V1.ReplicaSettings?, _ field: String = "settings", _ violations: inout FieldViolations
    ) -> V1.ReplicaSettings {
        var settings = given ?? .init()
        checkVariables(settings, field, &violations)
        settings.cpuMillis = amount(settings.cpuMillis, cpuMillis, 1...1_000_000, "\(field).cpu_millis", &violations)
        settings.memoryBytes = amount(
            settings.memoryBytes, memoryBytes, memoryBytesMin...(1 << 50), "\(field).memory_bytes", &violations)
        if !(0...64).contains(settings.gpus) { violations.add("\(field).gpus", "it is 0 to 64") }
        settings.concurrency = amount(
            settings.concurrency, 1, 1...concurrencyMax, "\(field).concurrency", &violations)
        settings.timeout = violations.checked(
            settings.timeout, "\(field).timeout", in: .milliseconds(1)...(.seconds(86_400)), usually: .seconds(60))
        settings.queueWait = violations.checked(
            settings.queueWait, "\(field).queue_wait", in: .zero...(.seconds(600)), usually: .milliseconds(500))
        settings.startTimeout = violations.checked(
            settings.startTimeout, "\(field).start_timeout", in: .seconds(1)...(.seconds(86_400)),
            usually: .seconds(310))
        var probe = settings.liveness ?? .init()
        let place = "\(field).liveness"
        probe.period = violations.checked(
            probe.period, "\(place).period", in: .milliseconds(100)...(.seconds(3600)), usually: .seconds(10))
        probe.timeout = violations.checked(
            probe.timeout, "\(place).timeout", in: .milliseconds(10)...(.seconds(3600)), usually: .seconds(2))
        probe.failures = amount(probe.failures, 3, 1...1000, "\(place).failures", &violations)
        settings.liveness = probe
        return settings
    }

    /// What the image asks for goes up to where nobody said anything, and is a lower bound where somebody did.
    static func fit(
        _ settings: inout V1.ReplicaSettings, to needs: FoundImage.Needs, given: V1.ReplicaSettings?,
        _ violations: inout FieldViolations
    ) {
        func fit<Value: FixedWidthInteger>(_ value: inout Value, _ asked: Value?, _ need: Value, _ name: String) {
            guard value < need else { return }
            if asked ?? 0 == 0 { value = need } else { violations.add("settings.\(name)", "the image needs \(need)") }
        }
        fit(&settings.cpuMillis, given?.cpuMillis, needs.cpuMillis, "cpu_millis")
        fit(&settings.memoryBytes, given?.memoryBytes, needs.memoryBytes, "memory_bytes")
        fit(&settings.gpus, given?.gpus, needs.gpus, "gpus")
    }

    private static func amount<Value: FixedWidthInteger>(
        _ value: Value, _ usual: Value, _ bounds: ClosedRange<Value>, _ field: String,
        _ violations: inout FieldViolations
    ) -> Value {
        if value == 0 { return usual }
        if !bounds.contains(value) { violations.add(field, "it is \(bounds.lowerBound) to \(bounds.upperBound)") }
        return value
    }

    private static func checkVariables(
        _ settings: V1.ReplicaSettings, _ field: String, _ violations: inout FieldViolations
    ) {
        let count = settings.variables.count + settings.secretVariables.count
        if count > variablesMax {
            violations.add("\(field).variables", "there are \(count); \(variablesMax) at most")
        }
        for (name, value) in settings.variables.sorted(by: { $0.key < $1.key }).prefix(variablesMax) {
            let place = "\(field).variables[\(shown(name))]"
            check(variable: name, place, &violations)
            violations.check(text: value, place, bytesMax: variableBytesMax)
            if settings.secretVariables[name] != nil {
                violations.add(place, "it is in secret_variables too: one or the other")
            }
        }
        for (name, secret) in settings.secretVariables.sorted(by: { $0.key < $1.key }).prefix(variablesMax) {
            let place = "\(field).secret_variables[\(shown(name))]"
            check(variable: name, place, &violations)
            if secret.isEmpty { violations.add(place, "name a secret of the workspace") }
            violations.check(text: secret, place, bytesMax: TextLimits.nameBytesMax)
        }
    }

    private static func check(variable name: String, _ field: String, _ violations: inout FieldViolations) {
        func isLetter(_ byte: UInt8) -> Bool {
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20) || byte == UInt8(ascii: "_")
        }
        let isFine =
            name.utf8.first.map(isLetter) ?? false
            && name.utf8.allSatisfy { isLetter($0) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        if !isFine || name.utf8.count > 128 {
            violations.add(field, "a variable is 1 to 128 letters, digits and '_', and begins with no digit")
        } else if name == reserved {
            violations.add(field, "\(reserved) is set by the deployer")
        }
    }
}
