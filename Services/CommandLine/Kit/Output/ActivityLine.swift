/// What a long operation looks like at one moment.
public struct ActivityLine: Sendable, Equatable {
    public var label: String
    /// From 0 to 1; nil where nobody knows.
    public var fraction: Double?
    public var step: String
    public var message: String
    /// Since the start.
    public var seconds: Int

    public init(label: String, fraction: Double? = nil, step: String = "", message: String = "", seconds: Int = 0) {
        self.label = label
        self.fraction = fraction
        self.step = DisplayText.harmless(step)
        self.message = DisplayText.harmless(message)
        self.seconds = seconds
    }

    /// `building  [=====>    ]  52 %  12s  packages: installing numpy`, in at most `width` cells.
    public func bar(width: Int) -> String {
        let cells = 20
        var text = label
        if let fraction, width >= label.count + cells + 20 {
            let filled = Int(min(1, max(0, fraction)) * Double(cells))
            let head = filled < cells && filled > 0 ? ">" : ""
            let bar = String(repeating: "=", count: filled - head.count) + head
            text += "  [\(bar)\(String(repeating: " ", count: cells - bar.count))]"
        }
        if !percent.isEmpty { text += "  \(percent)" }
        text += "  \(Amounts.span(seconds))"
        if !words.isEmpty { text += "  \(words)" }
        return DisplayText.fitted(text, to: width)
    }

    /// The same without a bar, for logs.
    public var text: String {
        let parts = [percent.trimmed, words].filter { !$0.isEmpty }
        return parts.isEmpty ? label : "\(label): \(parts.joined(separator: ", "))"
    }

    private var percent: String {
        guard let fraction else { return "" }
        let text = "\(Int(min(1, max(0, fraction)) * 100))"
        return String(repeating: " ", count: 3 - text.count) + text + " %"
    }

    /// The step and what is said of it.
    public var words: String { [step, message].filter { !$0.isEmpty }.joined(separator: ": ") }
}

extension String {
    fileprivate var trimmed: String { String(drop { $0 == " " }) }
}
