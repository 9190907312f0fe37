/// Why an engine did not do what it was asked to.
struct EngineError: Error, Hashable, Sendable, CustomStringConvertible {
    enum Kind: Hashable, Sendable {
        /// Nothing that answers, or the answer was cut off. Nobody knows what it did.
        case unreachable
        /// It answered, and not as engines do.
        case garbled
        /// It speaks no version of the interface that we do.
        case unsuitable
        /// It said no, with this status.
        case refused(Int)
    }

    var kind: Kind
    var message: String

    init(_ kind: Kind, _ message: String) {
        self.kind = kind
        self.message = message
    }

    var description: String { message }
    var isMissing: Bool { kind == .refused(404) }
    /// Somebody else has the engine remove the image at this moment, and it trips over what is gone already.
    var isBeingRemoved: Bool {
        guard kind == .refused(500) else { return false }
        return ["failed to get digest", "no such file or directory", "unrecognized image id"]
            .contains { message.lowercased().contains($0) }
    }
    var isConflict: Bool { kind == .refused(409) }
}

extension EngineError {
    /// As callers of a target know it.
    /// - Parameter doing: what was tried: `the replica X can't be started`.
    func asTargetError(_ doing: String) -> TargetError {
        let code: TargetError.Code =
            switch kind {
            case .unreachable: .unreachable
            case .garbled: .failed
            case .unsuitable: .refused
            case .refused(let status):
                if isShortage { .noCapacity } else if (400..<500).contains(status) { .refused } else { .failed }
            }
        return TargetError(code, "\(doing): \(message)")
    }

    /// Whether what it said is that there is too little of something. No status says so.
    var isShortage: Bool {
        let text = message.lowercased()
        return [
            "no space left on device", "cannot allocate memory", "range of cpus is from",
            "could not select device driver",
            "address pools", "no available ip", "port is already allocated", "all ports are allocated",
        ].contains { text.contains($0) }
    }
}
