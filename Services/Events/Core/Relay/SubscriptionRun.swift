import Journal
import Loop
import Postgres

/// One subscription under way. Confined to its relay, whose tasks and timers hand it to themselves.
final class SubscriptionRun: @unchecked Sendable {
    var order: SubscriptionOrder
    var window: DeliveryWindow
    var queue: ReadyQueue
    var circuit: any DeliveryCircuit
    var outbox = RelayOutbox()
    var pace: DeliveryPace
    /// Attempts under way.
    var flying = 0
    /// Rows that were read to be tried, until what became of them is written.
    var lent: Set<JournalCursor> = []
    var blocked: Set<String>
    /// Subjects of which a row was delivered since the last writing.
    var freed: Set<String> = []
    /// Subjects whose first event failed, until that is written: the rows behind it still look due.
    var failing: Set<String> = []
    /// Grows when rows that were read are given back: what is being read then would come out of order.
    var rowsGeneration = 0
    var isStopped = false
    var isRefilling = false
    var isLoading = false
    /// When rows are looked at again; nil while none wait.
    var nextRow: PostgresTimestamp?
    var timer: LoopTimer?
    /// When the timer fires, while there is one.
    var looksAt: LoopInstant
    var written: JournalCursor
    var writtenAt: LoopInstant
    var loggedSecond: Int64 = 0
    var loggedCount = 0
    var tasks: [Int: Task<Void, Never>] = [:]
    var nextTask = 0

    init(_ order: SubscriptionOrder, circuit: any DeliveryCircuit, now: LoopInstant) {
        self.order = order
        self.circuit = circuit
        window = DeliveryWindow(after: order.cursor)
        queue = ReadyQueue(isOrdered: order.isOrdered)
        pace = DeliveryPace(perMinute: order.ratePerMinute)
        blocked = order.blocked
        written = order.cursor
        writtenAt = now
        looksAt = now
        nextRow = order.hasRows ? .distantPast : nil
    }

    /// Takes what the chunk has for it, as far as it was not read yet.
    func offer(_ chunk: EventChunk, now: PostgresTimestamp) {
        for event in chunk.events(after: window.read)
        where event.workspace == order.workspace && order.filter.matches(event) {
            if order.known.remove(event.cursor) != nil { continue }
            window.take(event.cursor)
            let item = DeliveryItem(event: event, since: now)
            if order.isOrdered, blocked.contains(event.subject) { park(item) } else { queue.append(item) }
        }
        window.pass(to: chunk.end)
    }

    /// Puts an event behind those of its subject that wait.
    func park(_ item: DeliveryItem) {
        outbox.waiting[item.event.cursor] = .init(item: item, due: .distantFuture, outcome: "")
        window.finish(item.event.cursor)
    }

    func rowsWait(from time: PostgresTimestamp) { nextRow = min(nextRow ?? time, time) }

    var hasRoom: Bool { window.count < SubscriptionRun.windowMax && outbox.rows < SubscriptionRun.rowsMax }

    /// Events that are in memory for a subscription.
    static let windowMax = 1000
    /// Rows that are not written yet.
    static let rowsMax = 5000
}

/// Keeps to what a receiver asked for: so many a minute, a second's worth at once.
struct DeliveryPace: Equatable {
    private let perMinute: Int
    private var tokens: Double
    private var at: LoopInstant?

    init(perMinute: Int) {
        self.perMinute = perMinute
        tokens = max(1, Double(perMinute) / 60)
    }

    /// - Returns: how long to wait; zero where one may go, which is then counted.
    mutating func take(_ now: LoopInstant) -> Duration {
        guard perMinute > 0 else { return .zero }
        let rate = Double(perMinute) / 60
        if let at { tokens = min(max(1, rate), tokens + Double(at.duration(to: now).wholeNanoseconds) / 1e9 * rate) }
        at = now
        guard tokens < 1 else {
            tokens -= 1
            return .zero
        }
        return .milliseconds(Int64(((1 - tokens) / rate * 1000).rounded(.up)))
    }
}
