import HTTP
import ProgramKit
import RPC
import TestContracts

extension ChannelConfiguration {
    /// - Throws: `FlagError` for what this client can't speak.
    init(_ request: Conformance.ClientCompatRequest, _ folder: TemporaryFolder) throws {
        self.init()
        switch request.protocol {
        case .grpc: callProtocol = .grpc
        case .connect: callProtocol = .connect
        default: throw FlagError("the protocol \(request.protocol) is unknown")
        }
        switch request.httpVersion {
        case .httpVersion1: httpProtocol = .http11
        case .httpVersion2: httpProtocol = .http2
        default: throw FlagError("the HTTP version \(request.httpVersion) is unknown")
        }
        switch request.codec {
        case .proto: codec = .proto
        case .json: codec = .json
        default: throw FlagError("the codec \(request.codec) is unknown")
        }
        switch request.compression {
        case .unspecified, .identity: compression = .identity
        case .gzip: compression = .gzip
        default: throw FlagError("the compression \(request.compression) is unknown")
        }
        if !request.serverTlsCert.isEmpty { tls = try ChannelConfiguration.tls(request, folder) }
        if request.messageReceiveLimit > 0 { messageBytes = Int(request.messageReceiveLimit) }
        usesGet = request.useGetHttpMethod
        // The suite counts what arrives: nothing may be said twice.
        retry = .never
        files = [Conformance.serviceFile]
    }

    private static func tls(
        _ request: Conformance.ClientCompatRequest, _ folder: TemporaryFolder
    ) throws -> TLSContext {
        var files = TLSConfiguration(authorityFile: try folder.write("server.pem", request.serverTlsCert))
        if let credentials = request.clientTlsCreds {
            files.certificateFile = try folder.write("client.pem", credentials.cert)
            files.keyFile = try folder.write("client.key", credentials.key)
        }
        files.protocols = request.httpVersion == .httpVersion1 ? ["http/1.1"] : ["h2"]
        return try TLSContext(files, role: .client)
    }
}
