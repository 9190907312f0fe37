/// Scans what a file holds as one or several pickles behind each other.
struct PickleFile {
    /// What is scanned may be opened twice, each time from its beginning.
    let open: () throws -> ByteCursor
    let limits: RecognitionLimits
    private(set) var findings: PickleFindings
    private(set) var warnings: [(code: ModelWarning.Code, message: String)] = []
    /// How many pickles were followed to their ends.
    private(set) var count = 0

    /// More than any library writes, and few enough to try one after the other.
    private static let countMax = 100

    init(limits: RecognitionLimits, open: @escaping () throws -> ByteCursor) {
        self.open = open
        self.limits = limits
        findings = PickleFindings(limits: limits)
    }

    mutating func scan() throws {
        try scan(.joblib)
        if findings.hasJoblibArrays { try scanAgain() }
        report()
    }

    private mutating func scan(_ reading: PickleMachine.Reading) throws {
        let cursor = try open()
        do {
            while count < Self.countMax {
                let start = cursor.offset
                guard let first = try cursor.peek() else { return }
                let machine = PickleMachine(cursor, reading, limits: limits)
                do {
                    _ = try machine.run()
                    findings.merge(machine.findings)
                    count += 1
                } catch let error as FormatError {
                    try failed(error, machine.findings, at: start, first)
                    return
                }
                // Behind its fifth pickle lie the plain numbers of the tensors.
                if findings.isTorchLegacy && count == 5 { return }
            }
            warnings.append((.trailingBytes, "more than \(Self.countMax) pickles follow each other"))
            findings.incomplete = findings.incomplete ?? "there are more than \(Self.countMax) pickles"
        } catch let error as FormatError {
            findings.incomplete = error.message
            warnings.append((error.warningCode, error.message))
        }
    }

    /// The first pickle has to be one. What follows others may be anything, and is named when it is not empty.
    private mutating func failed(
        _ error: FormatError, _ partial: PickleFindings, at start: Int, _ first: UInt8
    ) throws {
        if count == 0 || first == 0x80 {
            findings.merge(partial)
            findings.incomplete = findings.incomplete ?? error.message
            if error.code != .limit { warnings.append((error.warningCode, error.message)) }
        } else {
            if partial.hasDanger { findings.merge(partial) }
            warnings.append((.trailingBytes, "from byte \(start) on the file holds something that is no pickle"))
        }
    }

    /// Reads a file of joblib as a plain pickle too: the bytes of an array, which joblib passes over, are opcodes for
    /// whoever loads the file with `pickle`. In files that joblib wrote this ends at the first array.
    private mutating func scanAgain() throws {
        let machine = PickleMachine(try open(), .plain, limits: limits)
        do { _ = try machine.run() } catch is FormatError {}
        let known = Set(findings.imports.map { "\($0.module)\n\($0.name)" })
        let hidden = machine.findings.imports.filter {
            $0.risk != .known && !known.contains("\($0.module)\n\($0.name)")
        }
        guard !hidden.isEmpty || machine.findings.unresolvedCount > findings.unresolvedCount else { return }
        findings.merge(machine.findings)
        warnings.append((.dangerousImport, "the bytes of an array hold opcodes that import for a plain unpickler"))
    }

    private mutating func report() {
        for found in findings.imports {
            switch found.risk {
            case .known: break
            case .suspicious:
                warnings.append((.suspiciousImport, "loading imports \(found), which is not among the known names"))
            case .dangerous:
                let verb = found.isCalled ? "calls" : "imports"
                warnings.append((.dangerousImport, "loading \(verb) \(found)"))
            }
        }
        if findings.unresolvedCount > 0 {
            warnings.append(
                (.unresolvedImport, "\(findings.unresolvedCount) imports have names that are computed while loading"))
        }
        if let reason = findings.incomplete {
            warnings.append((.scanIncomplete, "the list of imports may lack some: \(reason)"))
        }
    }
}
