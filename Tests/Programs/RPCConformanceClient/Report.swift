import Protobuf
import RPC
import TestContracts

/// What is known of a call so far.
struct Report {
    var payloads: [Conformance.ConformancePayload] = []
    var error: RPCError?
    var unsent = 0

    /// Keeps what `body` returns, or the error that it throws.
    mutating func watch(_ body: () async throws -> [Conformance.ConformancePayload]) async {
        do { payloads = try await body() } catch { self.error = RPCError(error) }
    }

    func result(_ call: ClientCall) async -> Conformance.ClientResponseResult {
        var result = Conformance.ClientResponseResult()
        result.payloads = payloads
        result.numUnsentRequests = Int32(unsent)
        // A call that failed before the server's head has no metadata; the error says why.
        if let metadata = try? await call.responseMetadata() { result.responseHeaders = Report.headers(metadata) }
        result.responseTrailers = Report.headers(await call.trailingMetadata())
        result.error = error.map(Report.error)
        return result
    }

    private static func headers(_ metadata: Metadata) -> [Conformance.Header] {
        var seen: Set<String> = []
        return metadata.compactMap { name, _ in
            guard seen.insert(name).inserted else { return nil }
            var header = Conformance.Header()
            header.name = name
            header.value = metadata.values(name)
            return header
        }
    }

    private static func error(_ error: RPCError) -> Conformance.Error {
        var result = Conformance.Error()
        result.code = Conformance.Code(rawValue: Int32(error.code.rawValue))
        result.message = error.message
        result.details = error.details.map { detail in
            var any = Google.Protobuf.`Any`()
            any.typeUrl = "type.googleapis.com/" + detail.typeName
            any.value = detail.value
            return any
        }
        return result
    }
}
