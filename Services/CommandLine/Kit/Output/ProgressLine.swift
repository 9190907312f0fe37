/// What a transfer looks like at one moment.
public struct ProgressLine: Sendable, Equatable {
    public var label: String
    public var done: Int64
    public var total: Int64
    /// Since the start.
    public var seconds: Double

    public init(label: String, done: Int64, total: Int64, seconds: Double) {
        self.label = label
        self.done = done
        self.total = total
        self.seconds = seconds
    }

    private var fraction: Double { total > 0 ? min(1, Double(done) / Double(total)) : 1 }

    /// `uploading  [=====>    ]  52 %  1.2 GB of 2.3 GB  240 MB/s  5s left`, in at most `width` cells.
    public func bar(width: Int) -> String {
        let tail = "  \(percent)  \(amounts)\(speed)"
        let room = width - label.count - tail.count - 5
        guard room >= 8 else { return DisplayText.fitted("\(label)\(tail)", to: width) }
        let cells = min(room, 40)
        let filled = Int(fraction * Double(cells))
        let head = filled < cells && filled > 0 ? ">" : ""
        let bar = String(repeating: "=", count: filled - head.count) + head
        return "\(label)  [\(bar)\(String(repeating: " ", count: cells - bar.count))]\(tail)"
    }

    /// The same without a bar, for logs.
    public var text: String { "\(label): \(percent), \(amounts)\(speed)" }

    private var percent: String {
        let text = "\(Int(fraction * 100))"
        return String(repeating: " ", count: 3 - text.count) + text + " %"
    }

    private var amounts: String { "\(Amounts.bytes(done)) of \(Amounts.bytes(total))" }

    private var speed: String {
        guard seconds >= 0.5, done > 0 else { return "" }
        let rate = Double(done) / seconds
        let left = done < total ? "  \(Amounts.span(Int((Double(total - done) / rate).rounded(.up)))) left" : ""
        return "  \(Amounts.bytes(Int64(rate)))/s\(left)"
    }
}
