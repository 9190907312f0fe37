/// The requests of a call: those not yet sent, and those kept for another attempt.
struct RequestBuffer {
    private var messages: [ArraySlice<UInt8>] = []
    private var sentCount = 0
    private(set) var keptBytes = 0
    /// Bytes that wait for a stream.
    private(set) var unsentBytes = 0
    /// No more requests come.
    var isEnded = false
    /// What was sent is not kept any more: there will be no other attempt.
    private(set) var isCommitted = false

    /// The only message of a request that is whole.
    var only: ArraySlice<UInt8>? { isEnded && messages.count == 1 ? messages.first : nil }

    mutating func append(_ message: [UInt8]) {
        messages.append(message[...])
        keptBytes += message.count
        unsentBytes += message.count
    }

    /// Hands out the messages that were not sent in this attempt.
    /// - Parameter limit: more bytes than this are not kept, unless they are one message.
    mutating func takeUnsent(keeping limit: Int, _ send: (ArraySlice<UInt8>) -> Void) {
        while sentCount < messages.count {
            send(messages[sentCount])
            sentCount += 1
        }
        unsentBytes = 0
        if !isCommitted, keptBytes > limit, messages.count > 1 { isCommitted = true }
        if isCommitted { forgetSent() }
    }

    /// The next attempt starts with the first message.
    mutating func rewind() {
        sentCount = 0
        unsentBytes = keptBytes
    }

    /// A response has begun.
    mutating func commit() {
        guard !isCommitted else { return }
        isCommitted = true
        forgetSent()
    }

    mutating func removeAll() {
        messages = []
        sentCount = 0
        keptBytes = 0
        unsentBytes = 0
        isCommitted = true
    }

    private mutating func forgetSent() {
        messages.removeFirst(sentCount)
        sentCount = 0
        keptBytes = unsentBytes
    }
}
