/// Messages that came and that the handler has not taken. Nearly every call has one: it lies here without an array.
struct MessageQueue {
    private var first: InboundMessage?
    private var rest: [InboundMessage] = []
    private var restHead = 0

    var count: Int { first == nil ? 0 : 1 + rest.count - restHead }
    var isEmpty: Bool { first == nil }

    mutating func append(_ message: consuming InboundMessage) {
        if first == nil { first = message } else { rest.append(message) }
    }

    mutating func takeFirst() -> InboundMessage? {
        guard let taken = first.take() else { return nil }
        guard restHead < rest.count else { return taken }
        first = rest[restHead]
        rest[restHead].bytes = []
        restHead += 1
        if restHead == rest.count {
            rest.removeAll(keepingCapacity: true)
            restHead = 0
        }
        return taken
    }
}
