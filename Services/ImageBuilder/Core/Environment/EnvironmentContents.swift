public import OCI

/// What a part of an environment puts into an image. Its bytes depend on the lock and the folder alone.
public struct EnvironmentContents: Sendable {
    public var layer: LayerContents
    /// For people: `Python 3.11.2`.
    public var description: String
    /// Called when the layer is written: what was laid out on this machine for it can go.
    public var release: @Sendable () -> Void

    public init(
        layer: LayerContents, description: String,
        release: @escaping @Sendable () -> Void = {}
    ) {
        self.layer = layer
        self.description = description
        self.release = release
    }
}
