/// Reads the lines in front of the first tree of a LightGBM model.
struct LightGBMReader {
    private(set) var description = ModelDescription()
    let limits: RecognitionLimits

    init(limits: RecognitionLimits) { self.limits = limits }

    static func isPlausible(_ head: [UInt8]) -> Bool {
        head.starts(with: Array("tree\n".utf8)) || head.starts(with: Array("tree\r\n".utf8))
    }

    mutating func read(_ cursor: ByteCursor) throws {
        var names: [String] = []
        var ranges: [String] = []
        var isCut = false
        defer {
            description.features = names.enumerated().map { index, name in
                ModelFeature(name, type: index < ranges.count ? Self.type(ofRange: ranges[index]) : "")
            }
        }
        while let line = try cursor.line(keeping: limits.textBytesMax) {
            var bytes = line.bytes
            if bytes.last == 0x0d { bytes.removeLast() }
            guard let equals = bytes.firstIndex(of: UInt8(ascii: "=")) else {
                // The empty line behind the header; `tree` itself and marks like `average_output` are no values.
                if bytes.isEmpty { break }
                continue
            }
            let key = String(decoding: bytes[..<equals], as: UTF8.self)
            let value = String(decoding: bytes[(equals + 1)...], as: UTF8.self)
            switch key {
            case "Tree", "tree_sizes":
                if key == "tree_sizes" { description.treeCount = value.split(separator: " ").count }
                if key == "Tree" { return }
            case "version": description.formatVersion = value
            case "num_class": description.classCount = Int(value)
            case "max_feature_idx": description.featureCount = Int(value).flatMap { $0 < Int.max ? $0 + 1 : nil }
            case "objective": description.objective = String(value.prefix(1000))
            case "feature_names": names = words(value)
            case "feature_infos": ranges = words(value)
            default: if key.utf8.count < 100 { description.properties[key] = String(value.prefix(1000)) }
            }
            isCut = isCut || line.isCut
            if description.properties.count > 100 { break }
        }
        if isCut { throw FormatError(.limit, "a line of the header is too long") }
        if description.formatVersion.isEmpty { throw FormatError(.truncated, "the header is not whole") }
    }

    private func words(_ value: String) -> [String] {
        value.split(separator: " ", maxSplits: limits.listCountMax).prefix(limits.listCountMax).map(String.init)
    }

    /// `[0:1]` is a number, `1:2:5` a category, `none` a feature that no tree uses.
    private static func type(ofRange range: String) -> String {
        if range == "none" { return "unused" }
        return range.hasPrefix("[") ? "numerical" : "categorical"
    }
}
