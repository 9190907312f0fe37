extension PickleMachine {
    /// The opcodes that import, call and give state to objects.
    func call(_ opcode: UInt8) throws {
        switch opcode {
        case 0x63: try push(.global(try importLines()))
        case 0x93: try stackGlobal()
        case 0x69:
            let place = try importLines()
            _ = try popToMark()
            findings.call(place)
            try push(.computed)
        case 0x6f:
            let items = try popToMark()
            guard let callable = items.first else { throw cursor.failure(.malformed, "an object has no class") }
            try push(result(of: callable, .other))
        case 0x52, 0x81:
            let arguments = try pop()
            try replaceTop(result(of: try top(), arguments))
        case 0x92:
            _ = try pop()
            _ = try pop()
            try replaceTop(result(of: try top(), .other))
        case 0x62: try state(try pop())
        case 0x50:
            _ = try nameLine()
            try push(.computed)
        case 0x51: try replaceTop(persistent(try top()))
        case 0x82: try byExtension(1)
        case 0x83: try byExtension(2)
        case 0x84: try byExtension(4)
        default: throw cursor.failure(.malformed, "there is no opcode \(opcode)")
        }
    }

    // MARK: Imports

    private func importLines() throws -> Int? {
        let module = try nameLine()
        let name = try nameLine()
        guard let module, let name else {
            findings.addUnresolved()
            return nil
        }
        return findings.add(
            module: String(decoding: module, as: UTF8.self), name: String(decoding: name, as: UTF8.self))
    }

    private func stackGlobal() throws {
        let name = try pop()
        let module = try pop()
        switch (module, name) {
        case (.text(let module), .text(let name)): try push(.global(findings.add(module: module, name: name)))
        case (.computed, .computed), (.computed, .text), (.text, .computed):
            findings.addUnresolved()
            try push(.global(nil))
        default: throw cursor.failure(.malformed, "an import is named by something that is no text")
        }
    }

    /// Numbers that stand for names in a table of the process that loads.
    private func byExtension(_ count: Int) throws {
        try cursor.skip(count)
        findings.addUnresolved()
        try push(.global(nil))
    }

    // MARK: Objects

    private func result(of callable: PickleSymbol, _ arguments: PickleSymbol) -> PickleSymbol {
        guard case .global(let place) = callable else { return .computed }
        findings.call(place)
        guard let found = findings.found(place) else { return .computed }
        switch (found.framework, found.name) {
        case ("numpy", "dtype"):
            if case .tuple(let items) = arguments, let code = items.first?.text {
                return .elementType(PickleElementType(code: code))
            }
        case ("numpy", "_reconstruct"): return .array(PickleArray())
        case ("joblib", "NumpyArrayWrapper"): return .arrayWrapper
        case ("torch", "_rebuild_tensor_v2"), ("torch", "_rebuild_tensor"):
            if case .tuple(let items) = arguments, items.count > 2, case .storage(let type) = items[0],
                case .shape(let shape) = items[2]
            {
                return .tensor(PickleTensor(type: type, shape: shape))
            }
        case ("torch", "_rebuild_parameter"):
            if case .tuple(let items) = arguments, let first = items.first, case .tensor = first { return first }
        default: break
        }
        // An import is named by plain texts only, never by objects of a class of its own.
        return found.risk == .known && !Self.textMakers.contains(found.name) ? .other : .computed
    }

    /// Known names whose calls may return a plain text.
    private static let textMakers: Set<String> = ["str", "unicode", "encode", "_reconstructor", "__newobj__", "object"]

    /// A reference to something outside the pickle: for torch, the numbers of a tensor.
    private func persistent(_ id: PickleSymbol) -> PickleSymbol {
        guard case .tuple(let items) = id, items.count > 1, items[0].text == "storage",
            case .global(let place) = items[1],
            let found = findings.found(place), found.framework == "torch"
        else { return .computed }
        let suffix = "Storage"
        guard found.name.hasSuffix(suffix) else { return .storage(found.name.lowercased()) }
        return .storage(found.name.dropLast(suffix.count).lowercased())
    }

    private func state(_ state: PickleSymbol) throws {
        switch (try top(), state) {
        case (.elementType(let type), .tuple(let items)):
            if items.count > 5 { type.stateSize = items[5].integer }
            if items.count > 7 { type.flags = items[7].integer ?? 1 }
        case (.array(let array), .tuple(let items)):
            if case .list(let list) = items.last { array.texts = list.texts }
        case (.arrayWrapper, .dictionary(let dictionary)):
            findings.hasJoblibArrays = true
            if reading == .joblib { try replaceTop(try arrayBytes(dictionary)) }
        case (.arrayWrapper, _):
            findings.hasJoblibArrays = true
            if reading == .joblib { throw cursor.failure(.unsupported, "an array of joblib has an unknown state") }
        default: break
        }
    }

    /// Passes over the bytes of an array that joblib wrote behind its stand-in.
    private func arrayBytes(_ state: PickleDictionary) throws -> PickleSymbol {
        guard let shape = state.shape, let type = state.elementType else {
            throw cursor.failure(.unsupported, "an array of joblib has no plain shape and type")
        }
        guard frameEnd <= cursor.offset else {
            throw cursor.failure(.unsupported, "the bytes of an array of joblib begin inside a frame")
        }
        // The array begins where the frame has ended.
        frameEnd = 0
        if type.hasObjects {
            let inner = PickleMachine(cursor, .plain, limits: limits)
            defer { findings.merge(inner.findings) }
            return try inner.run()
        }
        switch state.alignment {
        case nil, .some(.none): break
        default: try cursor.skip(Int(try cursor.byte()))
        }
        guard var count = type.size else {
            throw cursor.failure(.unsupported, "an array of joblib has elements of an unknown size")
        }
        for size in shape {
            let (product, overflow) = count.multipliedReportingOverflow(by: size)
            guard !overflow, size >= 0 else {
                throw cursor.failure(.malformed, "an array of joblib has no possible shape")
            }
            count = product
        }
        try cursor.skip(count)
        return .array(PickleArray())
    }
}
