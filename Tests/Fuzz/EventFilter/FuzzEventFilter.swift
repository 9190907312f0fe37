import Expressions

/// A text is read as a filter or refused with a place inside of it; what is read has an answer for every event, and its
/// negation the other one.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzEventFilter(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    guard let start, count > 0 else { return 0 }
    let text = String(decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self)
    do throws(ExpressionError) {
        guard let filter = try FilterParser.parse(text) else { return 0 }
        for event in FuzzEventFilter.events {
            let view = EventView(event)
            guard filter.matches(view) != FilterCondition.not(filter).matches(view) else { fatalError("both are true") }
            if let types = filter.types, filter.matches(view), !types.contains(event.type) {
                fatalError("the types leave out \(event.type)")
            }
        }
    } catch {
        guard (0...text.count).contains(error.offset) else { fatalError("a place outside of the text: \(error)") }
        _ = error.text
    }
    return 0
}

enum FuzzEventFilter {
    static let events = [
        EventRecord(
            type: "a", data: #"{"name":"churn","tags":{"team":"growth"},"list":[1,"x",null,true],"number":1.5}"#),
        EventRecord(type: "slipway.model.registered", data: "{}"), EventRecord(type: "", data: "no JSON"),
    ]
}

/// As much of an event as filters look at: the whole of it would need the database.
public struct EventRecord: Sendable {
    struct Time: Sendable { var microseconds: Int64 = 0 }

    var id = "1"
    var type: String
    var workspace = "default"
    var subject = "models/churn:3"
    var time = Time()
    var data: String
    var actor = "person:ada"
    var trace = ""
    var source = "/slipway"
}
