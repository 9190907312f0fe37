public import Access
public import Activities
public import Blobs
public import Contracts
public import Identity
internal import Loop
internal import OCI
internal import Outbound
public import Postgres
internal import ResourceKit
internal import RPC

/// Copies images to other registries: the activity `image.push`. Only what the registry lacks travels, and the manifest
/// goes last. Killed and run again it finds there what arrived before.
public struct ImagePush: ImagePushing, ActivityHandler {
    public let kind = "image.push"
    public let isResumable = true

    private let catalogue: any ImageCatalogue
    private let store: any BlobStore
    private let registries: RegistryClients
    private let identities: IdentityStore

    public init(
        _ catalogue: any ImageCatalogue, store: any BlobStore, registries: RegistryClients, identities: IdentityStore
    ) {
        self.catalogue = catalogue
        self.store = store
        self.registries = registries
        self.identities = identities
    }

    public func prepare(
        _ request: Slipway.Images.V1.PushRequest, _ image: StoredImage, by caller: Caller
    ) async throws -> String {
        var place: ImageReference
        do { place = try ImageReference(request.destination) } catch {
            throw RPCError.badRequest(field: "destination", error.message)
        }
        guard place.digest == nil else {
            throw RPCError.badRequest(field: "destination", "an image is pushed to a tag; its digest follows from it")
        }
        // Docker means its own images by a name alone, into which nobody pushes.
        guard place.registry != ImageReference.usualRegistry || !place.repository.hasPrefix("library/") else {
            throw RPCError.badRequest(
                field: "destination", "it needs a registry, or a user of Docker's: registry.example.com/team/churn:2")
        }
        if place.tag == nil { place.tag = "\(image.image.version)" }
        let host = String(place.registry.prefix { $0 != ":" })
        if OutboundNetwork(host) != nil, !registries.networks.permits(host) {
            throw RPCError.badRequest(field: "destination", "\(host) may not be connected to from here")
        }
        var order = PushOrder(
            name: image.image.name, version: image.image.version, digest: image.digest, destination: "\(place)")
        if let base = (image.image.base?.reference).flatMap({ try? ImageReference($0) }),
            base.registry == place.registry
        {
            order.mountSource = base.repository
        }
        return order.json
    }

    public func run(_ context: ActivityContext) async throws -> PostgresJSON? {
        guard let input = context.activity.input, let order = try? PushOrder(json: input.text) else {
            throw ActivityFailure(code: "push.input", "the push says not what to do")
        }
        let workspace: Workspace
        do {
            workspace = try await identities.workspace(named: context.activity.workspace).workspace
        } catch is IdentityError {
            throw ActivityFailure(code: "push.workspace", "the workspace \(context.activity.workspace) is gone")
        }
        let name = "\(order.name):\(order.version)"
        guard let image = try await catalogue.image(order.name, .version(order.version), in: workspace),
            image.digest == order.digest
        else { throw ActivityFailure(code: "push.image", "the image \(name) was deleted") }
        do {
            // From here on its parts stay, whatever becomes of the image.
            let parts = try await ImageParts(of: order.digest, name, in: store)
            defer { withExtendedLifetime(parts) {} }
            return try await registries.limited { try await push(order, parts, workspace, context) }
        } catch let slow as RegistryTooSlow {
            throw ActivityFailure(code: "push.slow", "the push to \(order.destination): \(slow)")
        } catch let error as OCIError {
            throw ImagePush.failure(error)
        } catch let error as RPCError {
            throw ActivityFailure(code: "push.damaged", error.message)
        } catch let error as BlobError where error.code == .corrupt || error.code == .notFound {
            throw ActivityFailure(code: "push.damaged", "\(name) is not whole any more: \(error.message)")
        }
    }

    private func push(
        _ order: PushOrder, _ parts: ImageParts, _ workspace: Workspace, _ context: ActivityContext
    ) async throws -> PostgresJSON {
        let place = try ImageReference(order.destination)
        let total = parts.size
        let sent = Lock<Int64>(0)
        await context.log(
            "pushing \(order.name):\(order.version) (\(parts.manifest.layers.count) layers, \(total) bytes) to \(place)"
        )
        context.report(fraction: 0, step: "push", message: "asking \(place.registry) what it has")
        let pushed = try await registries.client(for: workspace).push(
            parts.manifestBytes, of: parts.manifest, to: place, from: store,
            options: .init(mountSources: order.mountSource.isEmpty ? [] : [order.mountSource])
        ) { part, bytes in
            let done = sent.withLock { sent in
                sent += bytes
                return sent
            }
            context.report(
                fraction: total > 0 ? min(1, Double(done) / Double(total)) : nil, step: "push",
                message: "\(done) of \(total) bytes are there")
        }
        let kept = parts.count - pushed.sentParts - pushed.mountedParts
        await context.log(
            "sent \(pushed.sentParts) parts (\(pushed.sentBytes) bytes); \(kept) were there"
                + (pushed.mountedParts > 0 ? ", \(pushed.mountedParts) in another repository" : ""))
        return PostgresJSON(
            PushOrder.object([
                ("destination", .text("\(place)")), ("digest", .text("\(pushed.digest)")),
                ("sent_parts", .number(Int64(pushed.sentParts))), ("sent_bytes", .number(pushed.sentBytes)),
                ("mounted_parts", .number(Int64(pushed.mountedParts))),
            ]))
    }

    /// What went wrong in the registry's own words, with a code that programs tell apart.
    static func failure(_ error: OCIError) -> ActivityFailure {
        let code =
            switch error.code {
            case .unauthorised: "push.unauthorised"
            case .denied: "push.denied"
            case .notFound: "push.not_found"
            case .throttled: "push.throttled"
            case .unavailable: "push.unavailable"
            case .refused: "push.refused"
            case .corrupt: "push.corrupt"
            case .malformed, .unsupported, .unsafe, .tooLarge: "push.rejected"
            case .resources: "push.resources"
            }
        return ActivityFailure(code: code, error.message)
    }
}
