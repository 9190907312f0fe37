/// Bytes as people write them: `512MB`, `1.5GB`, `2GiB`, `4Gi`, `1000`.
public enum SizeText {
    public static let wanted = "an amount such as 512MB, 1.5GB or 2GiB"

    /// - Returns: nil for anything else, and for what no machine has.
    public static func bytes(_ text: String) -> Int64? {
        let digits = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
        guard let number = Double(digits), number.isFinite, let factor = factor(text.dropFirst(digits.count)) else {
            return nil
        }
        let bytes = (number * factor).rounded()
        return bytes >= 0 && bytes < 9e18 ? Int64(bytes) : nil
    }

    private static func factor(_ unit: Substring) -> Double? {
        switch unit.lowercased() {
        case "", "b": 1
        case "k", "kb": 1e3
        // In Kubernetes a small m is a thousandth; nobody means that here, and nobody can tell.
        case "m": unit == "M" ? 1e6 : nil
        case "mb": 1e6
        case "g", "gb": 1e9
        case "t", "tb": 1e12
        case "ki", "kib": 1024
        case "mi", "mib": 1_048_576
        case "gi", "gib": 1_073_741_824
        case "ti", "tib": 1_099_511_627_776
        default: nil
        }
    }
}

/// Cores as people write them: `2`, `0.5`, `500m`.
public enum CoresText {
    public static let wanted = "a number of cores such as 2, 0.5 or 500m"

    /// - Returns: thousandths; nil for anything else, for none, and for more than a million cores.
    public static func thousandths(_ text: String) -> Int32? {
        guard text.first?.isNumber == true || text.first == "." else { return nil }
        let isThousandths = text.hasSuffix("m")
        guard let number = Double(isThousandths ? text.dropLast() : text[...]), number.isFinite else { return nil }
        let count = (isThousandths ? number : number * 1000).rounded()
        return count >= 1 && count <= 1e9 ? Int32(count) : nil
    }
}

extension Flag where Value == Int64? {
    public static func size(_ name: String, _ help: String) -> Flag {
        Flag(
            FlagSpecification(name, placeholder: "SIZE", help: help) {
                SizeText.bytes($0) == nil ? SizeText.wanted : nil
            }
        ) { $0.last.flatMap { SizeText.bytes($0) } }
    }
}

extension Flag where Value == Int32? {
    public static func cores(_ name: String, _ help: String) -> Flag {
        Flag(
            FlagSpecification(name, placeholder: "CORES", help: help) {
                CoresText.thousandths($0) == nil ? CoresText.wanted : nil
            }
        ) { $0.last.flatMap { CoresText.thousandths($0) } }
    }
}

extension Flag where Value == Double? {
    /// A number, such as 0.7.
    public static func number(
        _ name: String, _ placeholder: String, in range: ClosedRange<Double>, _ help: String
    ) -> Flag {
        Flag(
            FlagSpecification(name, placeholder: placeholder, help: help) { value in
                Double(value).map(range.contains) == true
                    ? nil : "a number from \(Amounts.decimal(range.lowerBound)) to \(Amounts.decimal(range.upperBound))"
            }
        ) { $0.last.flatMap { Double($0) } }
    }
}
