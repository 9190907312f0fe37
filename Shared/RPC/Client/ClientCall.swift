import HTTP
import Loop
import Protobuf

/// One call on a client.
public final class ClientCall: @unchecked Sendable {
    let notBuilt = RPCError(.unimplemented, "there is no client transport yet")

    func encode(_ message: some Message) throws -> [UInt8] { throw notBuilt }
    func decode<M: Message>(_ type: M.Type, _ bytes: Bytes) throws -> M { throw notBuilt }
    func sendOnly(_ message: some Message) async throws { throw notBuilt }
    func onlyMessage<M: Message>() async throws -> M { throw notBuilt }
    func write(_ message: [UInt8], compressed: Bool?) async throws { throw notBuilt }
    func finish() async throws { throw notBuilt }
    func nextMessage() async throws -> Bytes? { throw notBuilt }
    func responseMetadata() async throws -> Metadata { throw notBuilt }
    func trailingMetadata() async -> Metadata { [:] }
    func succeeded() async -> Bool { false }
}
