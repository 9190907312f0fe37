/// Decides who hears a request.
public protocol HTTPServerHandler: AnyObject, Sendable {
    /// Called on the stream's loop when a request's head is complete; the body follows to the receiver. The response may
    /// be sent at once, from here.
    func receiver(for stream: HTTPStream) -> any HTTPStreamReceiver
}
