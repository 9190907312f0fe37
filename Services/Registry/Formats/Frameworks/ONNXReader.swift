/// Reads an ONNX model field by field. Weights and nodes are passed over without being read.
final class ONNXReader {
    /// What the walk has found so far, also when it ended in an error.
    struct Findings {
        var irVersion = 0
        var hasGraph = false
        var description = ModelDescription()
        var initializers: Set<String> = []
        /// Files outside the model file that hold weights, in order and each once.
        var externalFiles: [String] = []
        fileprivate var seenFiles: Set<String> = []
    }

    private let cursor: ByteCursor
    private let limits: RecognitionLimits
    private var inputs: [ModelTensor] = []
    private(set) var findings = Findings()

    init(_ cursor: ByteCursor, limits: RecognitionLimits) {
        self.cursor = cursor
        self.limits = limits
    }

    /// Whether a file may be ONNX by its first bytes: the version of the format, then another field of a model.
    static func isPlausible(_ head: [UInt8]) -> Bool {
        guard head.count > 3, head[0] == 0x08, (1...64).contains(head[1]) else { return false }
        return [0x12, 0x1a, 0x22, 0x28, 0x32, 0x3a, 0x42, 0x72].contains(head[2])
    }

    /// Walks the whole file. What was found by then is in `findings` when it throws.
    func read(size: Int) throws {
        defer { conclude() }
        try fields(upTo: size) { field in
            switch (field.number, field.wireType) {
            case (1, 0): findings.irVersion = Int(clamping: field.value)
            case (2, 2): findings.description.producer = try text(field)
            case (3, 2): findings.description.producerVersion = try text(field)
            case (4, 2): try property("domain", field)
            case (5, 0): findings.description.properties["model_version"] = String(Int64(bitPattern: field.value))
            case (7, 2):
                findings.hasGraph = true
                try graph(field)
            case (8, 2): try opset(field)
            case (14, 2): try metadata(field)
            default: try skip(field)
            }
        }
    }

    private func conclude() {
        findings.description.formatVersion = String(findings.irVersion)
        // An input that has a value is a weight with an old-fashioned declaration.
        findings.description.inputs = inputs.filter { !findings.initializers.contains($0.name) }
    }

    // MARK: Messages

    private func graph(_ graph: Field) throws {
        try fields(upTo: end(graph)) { field in
            switch (field.number, field.wireType) {
            case (2, 2): try property("graph", field)
            case (5, 2): try tensor(field)
            case (11, 2):
                if let input = try valueInfo(field), inputs.count < limits.listCountMax { inputs.append(input) }
            case (12, 2):
                if let output = try valueInfo(field), findings.description.outputs.count < limits.listCountMax {
                    findings.description.outputs.append(output)
                }
            default: try skip(field)
            }
        }
    }

    private func opset(_ opset: Field) throws {
        var domain = ""
        var version: UInt64 = 0
        try fields(upTo: end(opset)) { field in
            switch (field.number, field.wireType) {
            case (1, 2): domain = try text(field)
            case (2, 0): version = field.value
            default: try skip(field)
            }
        }
        guard findings.description.opsets.count < 1000 else { return }
        findings.description.opsets[domain.isEmpty ? "ai.onnx" : domain] = Int(clamping: version)
    }

    private func metadata(_ entry: Field) throws {
        let (key, value) = try stringEntry(entry)
        guard findings.description.properties.count < 1000 else { return }
        findings.description.properties[key] = value
    }

    private func property(_ name: String, _ field: Field) throws {
        let value = try text(field)
        if !value.isEmpty { findings.description.properties[name] = value }
    }

    private func stringEntry(_ entry: Field) throws -> (key: String, value: String) {
        var key = ""
        var value = ""
        try fields(upTo: end(entry)) { field in
            switch (field.number, field.wireType) {
            case (1, 2): key = try text(field)
            case (2, 2): value = try text(field)
            default: try skip(field)
            }
        }
        return (key, value)
    }

    private func tensor(_ tensor: Field) throws {
        var name = ""
        var shape: [ModelDimension] = []
        var type: UInt64 = 0
        try fields(upTo: end(tensor)) { field in
            switch (field.number, field.wireType) {
            case (1, 0): if shape.count < 64 { shape.append(ModelDimension(Int(clamping: field.value))) }
            case (1, 2):
                try fields(upTo: end(field), packed: true) { dimension in
                    if shape.count < 64 { shape.append(ModelDimension(Int(clamping: dimension.value))) }
                }
            case (2, 0): type = field.value
            case (8, 2): name = try text(field)
            case (13, 2):
                let (key, value) = try stringEntry(field)
                if key == "location", findings.externalFiles.count < limits.filesMax,
                    findings.seenFiles.insert(value).inserted
                {
                    findings.externalFiles.append(value)
                }
            default: try skip(field)
            }
        }
        let (word, declared) = ElementType.onnx(type)
        findings.description.weights.add(
            ModelTensor(name, word, declaredType: declared, shape: shape), keeping: limits.listCountMax)
        if findings.initializers.count < limits.listCountMax { findings.initializers.insert(name) }
    }

    private func valueInfo(_ info: Field) throws -> ModelTensor? {
        var result = ModelTensor("", "", isRankUnknown: true)
        try fields(upTo: end(info)) { field in
            switch (field.number, field.wireType) {
            case (1, 2): result.name = try text(field)
            case (2, 2): try type(field, into: &result, depth: 0)
            default: try skip(field)
            }
        }
        return result
    }

    /// The type of a value. Sequences and maps have no word in the Open Inference Protocol; ONNX's own is kept.
    private func type(_ type: Field, into result: inout ModelTensor, depth: Int) throws {
        guard depth < 8 else { return try skip(type) }
        try fields(upTo: end(type)) { field in
            switch (field.number, field.wireType) {
            case (1, 2): try tensorType(field, into: &result)
            case (4, 2), (9, 2):
                let what = field.number == 4 ? "sequence" : "optional"
                var inner = ModelTensor("", "")
                try fields(upTo: end(field)) { element in
                    if element.number == 1, element.wireType == 2 {
                        try self.type(element, into: &inner, depth: depth + 1)
                    } else {
                        try skip(element)
                    }
                }
                result.declaredType = "\(what)(\(inner.declaredType))"
            case (5, 2):
                var key: UInt64 = 0
                var value = ModelTensor("", "")
                try fields(upTo: end(field)) { element in
                    switch (element.number, element.wireType) {
                    case (1, 0): key = element.value
                    case (2, 2): try self.type(element, into: &value, depth: depth + 1)
                    default: try skip(element)
                    }
                }
                result.declaredType = "map(\(ElementType.onnx(key).declared),\(value.declaredType))"
            default: try skip(field)
            }
        }
    }

    private func tensorType(_ type: Field, into result: inout ModelTensor) throws {
        try fields(upTo: end(type)) { field in
            switch (field.number, field.wireType) {
            case (1, 0): (result.elementType, result.declaredType) = ElementType.onnx(field.value)
            case (2, 2):
                result.isRankUnknown = false
                try fields(upTo: end(field)) { dimension in
                    guard dimension.number == 1, dimension.wireType == 2 else { return try skip(dimension) }
                    let size = try self.dimension(dimension)
                    if result.shape.count < 64 { result.shape.append(size) }
                }
            default: try skip(field)
            }
        }
    }

    private func dimension(_ dimension: Field) throws -> ModelDimension {
        var result = ModelDimension(-1)
        try fields(upTo: end(dimension)) { field in
            switch (field.number, field.wireType) {
            case (1, 0): result = ModelDimension(Int(Int64(bitPattern: field.value)))
            case (2, 2): result = .named(try text(field))
            default: try skip(field)
            }
        }
        return result
    }

    // MARK: The wire

    /// A field whose content, where it has a length, is not yet read.
    private struct Field {
        var number: UInt64
        var wireType: UInt64
        /// The number, or the length.
        var value: UInt64
        /// Where the message that holds the field ends.
        var limit: Int
    }

    private func fields(upTo end: Int, packed: Bool = false, _ body: (Field) throws -> Void) throws {
        while cursor.offset < end {
            if packed {
                try body(Field(number: 0, wireType: 0, value: try varint(), limit: end))
                continue
            }
            let tag = try varint()
            var field = Field(number: tag >> 3, wireType: tag & 7, value: 0, limit: end)
            guard field.number > 0, field.number < 1 << 29 else {
                throw cursor.failure(.malformed, "a field has no possible number")
            }
            switch field.wireType {
            case 0, 2: field.value = try varint()
            case 1, 5: break
            default: throw cursor.failure(.malformed, "a field has an unknown wire type")
            }
            try body(field)
        }
        guard cursor.offset == end else { throw cursor.failure(.malformed, "a field is longer than its message") }
    }

    private func end(_ field: Field) throws -> Int {
        guard field.value <= UInt64(field.limit - min(cursor.offset, field.limit)) else {
            throw cursor.failure(.truncated, "a field is longer than what holds it")
        }
        return cursor.offset + Int(field.value)
    }

    private func skip(_ field: Field) throws {
        switch field.wireType {
        case 1: try cursor.skip(8)
        case 2: try cursor.skip(try end(field) - cursor.offset)
        case 5: try cursor.skip(4)
        default: break
        }
    }

    private func text(_ field: Field) throws -> String {
        let count = try end(field) - cursor.offset
        let kept = min(count, limits.nameBytesMax)
        let text = String(decoding: try cursor.bytes(kept), as: UTF8.self)
        try cursor.skip(count - kept)
        return text
    }

    private func varint() throws -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 64, by: 7) {
            let byte = try cursor.byte()
            value |= UInt64(byte & 0x7f) << shift
            if byte < 0x80 { return value }
        }
        throw cursor.failure(.malformed, "a number has more than ten bytes")
    }
}
