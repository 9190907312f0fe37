public import Blobs
public import OCI

/// An image in the store, not yet recorded: its pins keep it until it is.
public struct AssembledImage: Sendable {
    public struct Layer: Sendable {
        public enum Kind: String, Sendable {
            case base, runtime, adapters, python, packages, source, models, steps
        }

        public var kind: Kind
        public var descriptor: Descriptor
        /// The digest of the archive before compression.
        public var contents: BlobDigest
        /// For people.
        public var description: String
        /// Whether it was there already.
        public var isReused: Bool

        public init(
            kind: Kind, descriptor: Descriptor, contents: BlobDigest, description: String, isReused: Bool
        ) {
            self.kind = kind
            self.descriptor = descriptor
            self.contents = contents
            self.description = description
            self.isReused = isReused
        }
    }

    public var manifest: Descriptor
    public var configuration: Descriptor
    /// Lowest first.
    public var layers: [Layer]
    /// Where each model is in the image, in the order of the ingredients.
    public var modelPaths: [String]
    public var pins: [BlobPin]

    public init(
        manifest: Descriptor, configuration: Descriptor, layers: [Layer], modelPaths: [String], pins: [BlobPin]
    ) {
        self.manifest = manifest
        self.configuration = configuration
        self.layers = layers
        self.modelPaths = modelPaths
        self.pins = pins
    }
}

/// What a build says while it goes on.
public struct BuildProgress: Sendable {
    /// The part that it is at: `models`, `packages`, `runtime`.
    public var step: String
    /// A sentence for people; goes to the log.
    public var message: String
    /// Of the step, from 0 to 1; nil where that is not known.
    public var fraction: Double?

    public init(step: String, message: String = "", fraction: Double? = nil) {
        self.step = step
        self.message = message
        self.fraction = fraction
    }
}

/// Where layers that were written before are found again, by everything that decides their bytes. What it names may be gone
/// from the store; a miss costs time and nothing else.
public protocol LayerMemory: Sendable {
    func find(_ key: String) async throws -> KnownLayer?
    func keep(_ key: String, _ layer: KnownLayer) async throws
}

public struct KnownLayer: Hashable, Sendable {
    public var descriptor: Descriptor
    public var contents: BlobDigest

    public init(descriptor: Descriptor, contents: BlobDigest) {
        self.descriptor = descriptor
        self.contents = contents
    }
}

/// Makes images of ingredients. Used by any number of builds at once.
public protocol ImageAssembling: Sendable {
    /// - Parameter memory: nil builds every layer anew, as a verification does.
    /// - Throws: `BuildFailure`, and what the store throws. Nothing is left behind then but blobs that nobody holds.
    func assemble(
        _ ingredients: ImageIngredients, memory: (any LayerMemory)?,
        progress: @escaping @Sendable (BuildProgress) async -> Void
    ) async throws -> AssembledImage
}

/// Why a build can't be: what was wrong, where, and what would be right.
public struct BuildFailure: Error, Equatable, Sendable, CustomStringConvertible {
    /// For programs, in kebab case: `dependencies.conflict`, `base.platform`, `entry.syntax`.
    public let code: String
    public let message: String

    public init(_ code: String, _ message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { message }
}
