import Blobs
import DeployerTargets
import Glibc
import Loop
import OCI

/// A deployer of which only the starting of one replica is left: starts it, says so, and waits to be killed.
///
///     ReplicaStarter STORE MANIFEST REPLICA SUITE KEY PLACE…
@main
struct ReplicaStarter {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    static func main() async {
        do {
            let words = Array(CommandLine.arguments.dropFirst())
            guard words.count > 5 else { throw Failure(description: "too few words") }
            let pool = ComputePool(threads: 4)
            try pool.start()
            let loops = try LoopGroup(count: 1)
            try loops.start()
            let store = try await FolderBlobStore.open(words[0], pool: pool)
            let image = try await image(words[1], store)
            let target = try await StarterPlace.target(Array(words.dropFirst(5)), suite: words[3], pool, loops)
            try await target.prepare(image) { _ in }
            try await target.start(
                ReplicaOrder(
                    id: words[2],
                    owner: ReplicaOwner(
                        suite: words[3], workspace: "default", deployment: "churn-1", deploymentID: 1, revision: 1),
                    image: image, accessKey: words[4], fence: 1))
            say("started")
        } catch {
            say("\(error)")
            exit(1)
        }
        while true { pause() }
    }

    static func image(_ digest: String, _ store: FolderBlobStore) async throws -> LocalImage {
        guard let name = BlobDigest(digest) else { throw Failure(description: "\(digest) is no digest") }
        let bytes = try await store.withBlob(name) { try await $0.verifiedBytes(upTo: 1 << 22) }
        let manifest = try Manifest(json: bytes[...])
        let document = try await store.withBlob(manifest.configuration.digest) {
            try await $0.verifiedBytes(upTo: 1 << 22)
        }
        return LocalImage(
            name: "default/small:1", digest: digest, manifest: manifest,
            configuration: try ImageConfiguration(json: document[...]), store: store)
    }

    static func say(_ text: String) {
        puts(text)
        fflush(nil)
    }
}
