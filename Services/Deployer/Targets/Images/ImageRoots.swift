internal import Blobs
internal import CLinux
internal import Glibc
internal import Loop
internal import OCI
internal import Tar

/// Unpacked images, a folder each, named by the image's digest. A folder that has its name is whole; what is being
/// unpacked has another, and goes when whoever unpacked it is dead. Several processes may share them.
final class ImageRoots: Sendable {
    private static let unfinished = ".new-"
    private static let leaving = ".old-"

    private let folder: String
    private let bytesMax: Int64
    private let pool: ComputePool
    private let underWay = Lock([String: Task<Void, any Error>]())

    init(_ folder: String, bytesMax: Int64, pool: ComputePool) {
        self.folder = folder
        self.bytesMax = bytesMax
        self.pool = pool
    }

    /// The folder of an image; nil where it is not unpacked.
    func path(of digest: String) -> String? {
        guard let path = finalPath(digest), access(path, F_OK) == 0 else { return nil }
        return path
    }

    private func finalPath(_ digest: String) -> String? {
        BlobDigest(digest).map { "\(folder)/\($0.hexadecimal)" }
    }

    /// Unpacks an image where it is not. Those that ask for the same one meanwhile wait for the first.
    func prepare(_ image: LocalImage, progress: @escaping @Sendable (PreparationProgress) -> Void)
        async throws(TargetError)
    {
        try image.check()
        let total = image.manifest.layers.reduce(Int64(0)) { $0 + $1.size }
        let end = PreparationProgress(doneBytes: total, totalBytes: total)
        do {
            while try await pool.run({ self.path(of: image.digest) == nil }) {
                let (work, isOurs) = underWay.withLock { tasks in
                    if let work = tasks[image.digest] { return (work, false) }
                    let work = Task(executorPreference: pool) { try await self.unpack(image, progress) }
                    tasks[image.digest] = work
                    return (work, true)
                }
                let result = await work.result
                if isOurs { underWay.withLock { $0[image.digest] = nil } }
                // Another's failure may have been one of its own.
                if isOurs { try result.get() }
                if !isOurs, case .failure = result { try Task.checkCancellation() }
            }
        } catch { throw Self.targetError(error, image) }
        progress(end)
    }

    private func unpack(_ image: LocalImage, _ progress: @escaping @Sendable (PreparationProgress) -> Void) async throws
    {
        guard let final = finalPath(image.digest) else { return }
        try Tree.make(folder)
        try sweep()
        let (path, alive) = try makeFolder()
        defer { withExtendedLifetime(alive) {} }
        do {
            // The mask of the process would take from what the image says.
            chmod(path, 0o755)
            try await ImageUnpacker(image: image, folder: path, bytesMax: bytesMax, progress: progress).run()
            if rename(path, final) != 0 {
                // Another process was faster, and has the same.
                guard errno == EEXIST || errno == ENOTEMPTY else { throw SystemFault("name", final) }
                try Tree.remove(path)
            }
            let names = try OpenFile(folder, O_RDONLY | O_DIRECTORY)
            fsync(names.descriptor)
        } catch {
            try? Tree.remove(path)
            throw error
        }
    }

    /// A new folder to unpack into, with a lock that tells whether anybody does, and that nobody forgets to let go of.
    private func makeFolder() throws(SystemFault) -> (path: String, alive: OpenFile) {
        while true {
            let path = "\(folder)/\(Self.unfinished)\(String(UInt64.random(in: .min ... .max), radix: 16))"
            guard mkdir(path, 0o755) == 0 else { throw SystemFault("make", path) }
            guard let alive = try? OpenFile(path, O_RDONLY | O_DIRECTORY) else { continue }
            // Before the lock is taken, others may take the folder for one of a dead process.
            if alive.lock(waits: false), access(path, F_OK) == 0 { return (path, alive) }
        }
    }

    /// Removes the unpacked images other than these, and what nobody finishes any more. On a thread that may block.
    /// - Throws: `SystemFault`.
    func keep(_ digests: Set<String>) throws(SystemFault) {
        let kept = Set(digests.compactMap { BlobDigest($0)?.hexadecimal })
        for name in Tree.names(in: folder) where !name.hasPrefix(".") && !kept.contains(name) {
            // Under another name it is gone at once for everybody who looks.
            let leaving = "\(folder)/\(Self.leaving)\(name)-\(String(UInt64.random(in: .min ... .max), radix: 16))"
            guard rename("\(folder)/\(name)", leaving) == 0 || errno == ENOENT else {
                throw SystemFault("name", leaving)
            }
            try Tree.remove(leaving)
        }
        try sweep()
    }

    private func sweep() throws(SystemFault) {
        for name in Tree.names(in: folder) where name.hasPrefix(Self.unfinished) || name.hasPrefix(Self.leaving) {
            guard let open = try? OpenFile("\(folder)/\(name)", O_RDONLY | O_DIRECTORY), open.lock(waits: false) else {
                continue
            }
            try Tree.remove("\(folder)/\(name)")
        }
    }

    private static func targetError(_ error: any Error, _ image: LocalImage) -> TargetError {
        switch error {
        case let error as TargetError: return error
        case let error as SystemFault:
            // What no file system would take is the image's fault: paths through files, links in circles or to nothing.
            let theirs = [ENOTDIR, ELOOP, ENOENT, EISDIR, EEXIST, ENAMETOOLONG, EINVAL, EPERM]
            guard theirs.contains(error.number) else { return error.asTargetError }
            return TargetError(.unusableImage, "the image \(image.name) can't be unpacked: \(error)")
        case let error as TarError: return TargetError(.unusableImage, "the image \(image.name): \(error)")
        case let error as OCIError: return TargetError(.unusableImage, "the image \(image.name): \(error)")
        case let error as BlobError:
            let isTheirs = error.code == .corrupt || error.code == .notFound || error.code == .digestMismatch
            return TargetError(isTheirs ? .unusableImage : .failed, "the image \(image.name): \(error)")
        default: return TargetError(.failed, "the image \(image.name) could not be unpacked: \(error)")
        }
    }
}
