/// An event as many filters look at it: its data are read once, and only where one of them asks.
struct EventView {
    let event: EventRecord
    private let lazy = Lazy()

    private final class Lazy {
        var data: EventValue?
        var isRead = false
    }

    init(_ event: EventRecord) { self.event = event }

    private var data: EventValue? {
        if !lazy.isRead {
            lazy.isRead = true
            lazy.data = EventValue(json: event.data)
        }
        return lazy.data
    }

    /// What is there, but null, which stands for nothing.
    func data(at path: [String]) -> EventValue? {
        var value = data
        for name in path {
            guard let next = value?[name] else { return nil }
            value = next
        }
        return value == .null ? nil : value
    }

    /// Nil where it is empty: an event without a trace has none.
    func text(_ field: EventField) -> String? {
        let text =
            switch field {
            case .type: event.type
            case .subject: event.subject
            case .source: event.source
            case .actor: event.actor
            case .workspace: event.workspace
            case .id: event.id
            case .trace: event.trace
            case .time, .data: ""
            }
        return text.isEmpty ? nil : text
    }
}
