import Access
import Activities
import Contracts
import Glibc
import Identity
import ImageBuilderCore
import ImageShelf
import Loop
import Postgres

/// Does what the lines of the program's input say, one after the other.
final class Commands: Sendable {
    private let shelf: ImageShelf
    private let push: ImagePush
    private let credentials: RegistryCredentialStore
    private let activities: Activities
    private let identities: IdentityStore
    private let images = Lock<[String: StoredImage]>([:])

    init(
        shelf: ImageShelf, push: ImagePush, credentials: RegistryCredentialStore, activities: Activities,
        identities: IdentityStore
    ) {
        self.shelf = shelf
        self.push = push
        self.credentials = credentials
        self.activities = activities
        self.identities = identities
    }

    /// Until the input ends.
    func run() async {
        let lines = AsyncStream<String> { continuation in
            // Reading a line blocks, and this is all that its thread does.
            let reader = ComputePool(threads: 1, name: "input")
            try? reader.start()
            _ = reader.submit {
                while let line = readLine() { continuation.yield(line) }
                continuation.finish()
                withExtendedLifetime(reader) {}
            }
        }
        for await line in lines {
            do { say("ok \(try await perform(line.split(separator: " ").map(String.init)))") } catch {
                say("failed \(error)")
            }
        }
    }

    private func say(_ text: String) {
        let bytes = Array((text + "\n").utf8)
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes { write(STDOUT_FILENO, $0.baseAddress, $0.count) }
            guard count > 0 else { return }
            sent += count
        }
    }

    private func perform(_ words: [String]) async throws -> String {
        let workspace = try await identities.workspace(named: "default").workspace
        switch words.first {
        case "image" where words.count > 2:
            var layers: [Slipway.Images.V1.ImageLayer] = []
            for (index, text) in words.dropFirst(2).enumerated() {
                // Large enough that a count of bytes says something.
                let filler = String(repeating: text + " ", count: 20_000)
                layers.append(try await shelf.layer([("layer\(index)/\(text)", filler + text)]))
            }
            let image = try await shelf.record(words[1], layers, in: workspace)
            images.withLock { $0[image.name] = image }
            return "\(image.digest)"
        case "alias" where words.count == 4:
            guard let image = images.withLock({ $0["\(words[1]):\(words[2])"] }) else { return "no such image" }
            try await shelf.setAlias(words[3], image, in: workspace)
            return ""
        case "credential" where words.count == 4:
            try await credentials.set(
                words[1], user: words[2], password: words[3], in: workspace, by: "person:test", reason: "")
            return ""
        case "push" where words.count == 4:
            guard let image = images.withLock({ $0["\(words[1]):\(words[2])"] }) else { return "no such image" }
            var request = ActivityRequest(
                kind: "image.push", subject: "images/\(words[1])/\(words[2])", workspace: "default",
                actor: "person:test")
            request.input = PostgresJSON(
                try await push.prepare(
                    Slipway.Images.V1.PushRequest(destination: words[3]), image,
                    by: Caller(principal: nil, workspace: workspace, role: .contributor)))
            let ended = try await activities.wait(activities.start(request).id)
            return "\(ended.state) \(ended.result?.text ?? ended.failure?.description ?? "")"
        default: return "what?"
        }
    }
}
