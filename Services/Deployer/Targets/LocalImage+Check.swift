internal import Blobs
public import OCI

extension LocalImage {
    /// Whether a place of this machine's kind can run the image at all, as far as its documents tell.
    /// - Throws: `TargetError` `.unusableImage`.
    public func check(runsOn machine: Platform = .current) throws(TargetError) {
        guard machine.accepts(configuration.platform) else {
            throw TargetError(
                .unusableImage, "the image \(name) is for \(configuration.platform), and this place is \(machine)")
        }
        guard let first = (configuration.entryPoint + configuration.command).first, !first.isEmpty else {
            throw TargetError(.unusableImage, "the image \(name) has no entry point, so there is nothing to run")
        }
        guard manifest.layers.count == configuration.layerContents.count else {
            throw TargetError(
                .unusableImage,
                "the image \(name) has \(manifest.layers.count) layers, and its configuration names "
                    + "\(configuration.layerContents.count)")
        }
        guard BlobDigest(digest) != nil else {
            throw TargetError(.unusableImage, "the image \(name) has no proper digest: \(digest)")
        }
    }
}
