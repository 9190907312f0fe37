import Blobs
import Glibc
import Loop
import OCI
import Outbound
import Tar
import Testing

@Suite("Images to and from registries")
struct DistributionTests {
    /// A small image in a store.
    static func image(in store: MemoryBlobStore, on pool: ComputePool, text: String = "42") async throws -> (
        bytes: [UInt8], manifest: Manifest
    ) {
        var contents = LayerContents()
        try contents.add(TarEntry(path: "model.txt", size: Int64(text.utf8.count)), from: .bytes(Array(text.utf8)))
        let layer = try await LayerWriter(store: store, files: MachineFiles(pool: pool)).write(contents)
        let configuration = ImageConfiguration(
            platform: .current, entryPoint: ["/scorer"], layerContents: [layer.contents],
            history: [ImageConfiguration.Step(createdBy: "slipway: model")])
        let document = try await store.put(configuration.json)
        let manifest = Manifest(
            configuration: Descriptor(
                mediaType: MediaType.configuration, digest: document.info.digest, size: document.info.size),
            layers: [layer.descriptor])
        return (manifest.json, manifest)
    }

    static func withRegistry(
        password: Bool = false, _ body: (RealRegistry, OutboundClient, ComputePool) async throws -> Void
    ) async throws {
        let loops = try LoopGroup(count: 1)
        try loops.start()
        let pool = ComputePool(threads: 1)
        try pool.start()
        let registry = try RealRegistry(password: password)
        defer {
            registry.stop()
            pool.stop()
            loops.stop()
        }
        try await registry.wait(on: loops.next())
        let client = OutboundClient(loop: loops.next())
        defer { client.stop() }
        try await body(registry, client, pool)
    }

    @Test("an image that was pushed comes back the same, and a second push sends nothing")
    func roundTrip() async throws {
        try await Self.withRegistry { registry, client, pool in
            let store = MemoryBlobStore()
            let image = try await Self.image(in: store, on: pool)
            let place = try ImageReference("\(registry.address)/team/churn:1")
            let distribution = DistributionClient(client)
            let first = try await distribution.push(image.bytes, of: image.manifest, to: place, from: store)
            #expect(first.sentParts == 2)
            #expect(try first.digest == BlobHasher.digest(image.bytes))
            let again = try await distribution.push(image.bytes, of: image.manifest, to: place, from: store)
            #expect(again.sentParts == 0)

            let elsewhere = MemoryBlobStore()
            let pulled = try await distribution.pull(place, for: .current, into: elsewhere)
            #expect(pulled.manifestBytes == image.bytes)
            #expect(pulled.pins.count == 2)
            #expect(try await elsewhere.list(after: nil, limit: 9) == store.list(after: nil, limit: 9))
        }
    }

    @Test("skopeo reads what was pushed, and what skopeo copies is pulled")
    func skopeo() async throws {
        try await Self.withRegistry { registry, client, pool in
            let store = MemoryBlobStore()
            let image = try await Self.image(in: store, on: pool)
            let distribution = DistributionClient(client)
            let place = try ImageReference("\(registry.address)/a:1")
            let pushed = try await distribution.push(image.bytes, of: image.manifest, to: place, from: store)
            try Tool.shell(
                "skopeo --insecure-policy copy -q --src-tls-verify=false --dest-tls-verify=false"
                    + " docker://\(registry.address)/a:1 docker://\(registry.address)/b:2")
            let pulled = try await distribution.pull(
                ImageReference("\(registry.address)/b:2"), for: .current, into: MemoryBlobStore())
            #expect(pulled.digest == pushed.digest)
        }
    }

    @Test("a registry with a password takes the right one, and says so where it is wrong or missing")
    func password() async throws {
        try await Self.withRegistry(password: true) { registry, client, pool in
            let store = MemoryBlobStore()
            let image = try await Self.image(in: store, on: pool)
            let place = try ImageReference("\(registry.address)/a:1")
            func push(_ credentials: RegistrySettings.Credentials?) async throws {
                let settings = RegistrySettings(credentials: { _ in credentials })
                _ = try await DistributionClient(client, settings: settings).push(
                    image.bytes, of: image.manifest, to: place, from: store)
            }
            try await push(RegistrySettings.Credentials(user: "team", password: "open sesame"))
            for wrong in [nil, RegistrySettings.Credentials(user: "team", password: "closed")] {
                let error = await #expect(throws: OCIError.self) { try await push(wrong) }
                #expect(error?.code == .unauthorised)
                #expect(error?.message.contains("closed") == false)
            }
        }
    }

    @Test("what is not there, and who is not there, are told apart")
    func absent() async throws {
        try await Self.withRegistry { registry, client, _ in
            let settings = RegistrySettings(retriesMax: 1, retryDelay: .milliseconds(1))
            let distribution = DistributionClient(client, settings: settings)
            func code(_ name: String) async -> OCIError.Code? {
                do {
                    _ = try await distribution.manifest(ImageReference(name))
                    return nil
                } catch {
                    return (error as? OCIError)?.code
                }
            }
            #expect(await code("\(registry.address)/nothing:1") == .notFound)
            #expect(await code("127.0.0.1:1/nothing:1") == .unavailable)
        }
    }
}

/// Debian's docker-registry, of its own, on a port of this machine.
final class RealRegistry {
    let address: String
    private let folder: String
    private var process: pid_t = 0

    init(password: Bool) throws {
        let port = try Self.freePort()
        address = "127.0.0.1:\(port)"
        folder = try Tool.folder()
        var text = """
            version: 0.1
            log: {level: error}
            storage: {filesystem: {rootdirectory: \(folder)/data}}
            http: {addr: \(address), secret: test}

            """
        if password {
            text += "auth: {htpasswd: {realm: test, path: \(folder)/users}}\n"
            // bcrypt of "open sesame".
            try Tool.shell(
                #"python3 -c 'import crypt; print("team:" + crypt.crypt("open sesame", crypt.mksalt(crypt.METHOD_BLOWFISH, rounds=16)))'"#
                    + " > '\(folder)/users' 2>/dev/null")
        }
        let file = fopen("\(folder)/config.yml", "w")
        fputs(text, file)
        fclose(file)
        process = try Self.spawn(["/usr/bin/docker-registry", "serve", "\(folder)/config.yml"], log: "\(folder)/log")
    }

    /// Until it listens.
    func wait(on loop: EventLoop) async throws {
        let client = OutboundClient(loop: loop)
        defer { client.stop() }
        for _ in 0..<600 {
            if (try? await client.send(OutboundRequest("GET", "http://\(address)/v2/"))) != nil { return }
            try await loop.sleep(for: .milliseconds(50))
        }
        throw Tool.Failure(status: -1, command: "docker-registry did not start")
    }

    func stop() {
        kill(process, SIGTERM)
        waitpid(process, nil, 0)
        Tool.remove(folder)
    }

    private static func freePort() throws -> Int {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let failed = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) != 0 || getsockname(descriptor, $0, &length) != 0
            }
        }
        guard !failed else { throw Tool.Failure(status: errno, command: "bind") }
        return Int(UInt16(bigEndian: address.sin_port))
    }

    private static func spawn(_ words: [String], log: String) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        for descriptor in [1, 2] as [Int32] {
            posix_spawn_file_actions_addopen(&actions, descriptor, log, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        }
        var arguments = words.map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        var process: pid_t = 0
        let status = posix_spawn(&process, words[0], &actions, nil, &arguments, environ)
        guard status == 0 else { throw Tool.Failure(status: status, command: words[0]) }
        return process
    }
}
