public import Access
public import Contracts
public import RPC

/// Says what differs between two images.
public protocol ImageComparing: Sendable {
    func compare(_ from: StoredImage, _ to: StoredImage) async throws -> Slipway.Images.V1.ImageComparison
}

/// Checks what can be known before an image is copied to another registry; the copy itself is the activity `image.push`.
public protocol ImagePushing: Sendable {
    /// Of the activity: `image.push`.
    var kind: String { get }

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

/// What the service offers beside building and finding.
public struct ImageExtras: Sendable {
    public var comparing: any ImageComparing
    public var pushing: any ImagePushing
    public var exporting: any ImageExporting

    public init(comparing: any ImageComparing, pushing: any ImagePushing, exporting: any ImageExporting) {
        self.comparing = comparing
        self.pushing = pushing
        self.exporting = exporting
    }
}
