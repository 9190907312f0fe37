import ResourceKit
import Access
import Contracts
import Protobuf

extension Registration {
    /// Of sorted files.
    static func digest(_ files: [File]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(files.count * 64)
        for file in files {
            bytes.append(contentsOf: file.path.utf8)
            bytes.append(0)
            bytes += file.digest.bytes
        }
        return SHA256Digest(of: bytes).bytes
    }

    /// Of everything that was asked for, so that a repeated request is told from another one. Maps have no order of their
    /// own, so they go in by their sorted keys.
    /// - Parameter files: the digest of the files, which stands for them: a second copy of many would be megabytes.
    static func digest(_ request: Slipway.Models.V1.RegisterRequest, files: [UInt8]) -> [UInt8] {
        var rest = request
        rest.requestId = ""
        rest.files = []
        rest.tags = [:]
        rest.properties = [:]
        rest.metrics = [:]
        rest.format?.flavors = [:]
        rest.format?.details = [:]
        var bytes = rest.serialized() + files
        for labels in [
            request.tags, request.properties, request.metrics.mapValues { "\($0)" }, request.format?.flavors ?? [:],
            request.format?.details ?? [:],
        ] { bytes += Array(RowJSON.object(labels).utf8) }
        return SHA256Digest(of: bytes).bytes
    }
}
