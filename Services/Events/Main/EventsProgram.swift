import EventsCore

/// Events: what happened, told to whoever wants to know.
@main
struct EventsProgram {
    static func main() {}
}
