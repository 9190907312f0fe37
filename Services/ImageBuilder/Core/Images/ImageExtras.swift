public import Access
public import Contracts
public import RPC

/// Says what differs between two images.
public protocol ImageComparing: Sendable {
    func compare(_ from: StoredImage, _ to: StoredImage) async throws -> Slipway.Images.V1.ImageComparison
}

/// Checks what can be known before an image is copied to another registry; the copy itself is the activity `image.push`.
public protocol ImagePushing: Sendable {
    /// - Returns: the activity's input.
    /// - Throws: `RPCError` `invalidArgument` for a destination that can't be one.
    func prepare(_ request: Slipway.Images.V1.PushRequest, _ image: StoredImage, by caller: Caller) async throws
        -> String
}

/// Sends an image as a file.
public protocol ImageExporting: Sendable {
    func export(
        _ image: StoredImage, as format: Slipway.Images.V1.ExportRequest.Format,
        to responses: ResponseWriter<Slipway.Images.V1.ExportResponse>
    ) async throws
}
