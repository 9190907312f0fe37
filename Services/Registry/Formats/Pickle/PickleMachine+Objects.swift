extension PickleMachine {
    /// The opcodes that put objects together.
    func build(_ opcode: UInt8) throws {
        switch opcode {
        case 0x85: try tuple([try pop()])
        case 0x86:
            let second = try pop()
            try tuple([try pop(), second])
        case 0x87:
            let third = try pop()
            let second = try pop()
            try tuple([try pop(), second, third])
        case 0x74: try tuple(try popToMark())
        case 0x6c: try list(try popToMark())
        case 0x64: try dictionary(try popToMark())
        case 0x91:
            _ = try popToMark()
            try push(.other)
        case 0x61: try append([try pop()])
        case 0x65: try append(try popToMark())
        case 0x90:
            _ = try popToMark()
            _ = try top()
        case 0x73:
            let value = try pop()
            try set([try pop(), value])
        case 0x75: try set(try popToMark())
        default: try call(opcode)
        }
    }

    private func tuple(_ items: ArraySlice<PickleSymbol>) throws {
        guard items.count <= 32 else { return try push(.other) }
        let integers = items.compactMap(\.integer)
        try push(integers.count == items.count ? .shape(integers) : .tuple(items.map(\.leaf)))
    }

    private func list(_ items: ArraySlice<PickleSymbol>) throws {
        let list = PickleList()
        add(items, to: list)
        try push(.list(list))
    }

    private func append(_ items: ArraySlice<PickleSymbol>) throws {
        if case .list(let list) = try top() { add(items, to: list) }
    }

    private func add(_ items: ArraySlice<PickleSymbol>, to list: PickleList) {
        for item in items where textsLeft > 0 {
            guard let text = item.text else { continue }
            list.texts.append(text)
            textsLeft -= 1
        }
    }

    private func dictionary(_ items: ArraySlice<PickleSymbol>) throws {
        try push(.dictionary(PickleDictionary()))
        try set(items)
    }

    private func set(_ items: ArraySlice<PickleSymbol>) throws {
        guard items.count % 2 == 0 else { throw cursor.failure(.malformed, "a key has no value") }
        var target: PickleDictionary?
        if case .dictionary(let dictionary) = try top() { target = dictionary }
        var rest = items
        while let key = rest.popFirst(), let value = rest.popFirst() {
            if let key = key.text { note(key, value, in: target) }
        }
    }

    /// Keeps the few entries that tell something.
    private func note(_ key: String, _ value: PickleSymbol, in dictionary: PickleDictionary?) {
        switch (key, value) {
        case ("shape", .shape(let shape)): dictionary?.shape = shape
        case ("dtype", .elementType(let type)): dictionary?.elementType = type
        case ("numpy_array_alignment_bytes", _): dictionary?.alignment = value.leaf
        case ("_sklearn_version", .text(let version)):
            if findings.sklearnVersion.isEmpty { findings.sklearnVersion = version }
        case ("n_features_in_", .integer(let count)):
            if findings.featureCount == nil, count >= 0 { findings.featureCount = count }
        case ("feature_names_in_", .array(let array)):
            if findings.featureNames.isEmpty { findings.featureNames = array.texts }
        case (_, .tensor(let tensor)):
            findings.weights.add(
                ModelTensor(
                    key, ElementType.openInference(tensor.type), declaredType: tensor.type,
                    shape: tensor.shape.map { ModelDimension($0) }),
                keeping: limits.listCountMax)
        default: break
        }
    }
}
