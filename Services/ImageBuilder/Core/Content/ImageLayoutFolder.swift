internal import Blobs
internal import Glibc
internal import Loop
internal import OCI

/// An OCI layout on this machine, of which nothing is read that lies outside of a folder.
struct ImageLayoutFolder: Sendable {
    private static let documentBytesMax = 4 << 20

    private let path: String
    private let boundary: String
    private let pool: ComputePool

    init(_ path: String, below boundary: String, pool: ComputePool) {
        self.path = path
        self.boundary = boundary
        self.pool = pool
    }

    /// - Throws: `BuildFailure` where it isn't there, or links lead out of the boundary.
    func bytes(_ name: String) async throws -> [UInt8] {
        let file = try await settled(name)
        do {
            return try await pool.run { try SmallFile.read(file, upTo: Self.documentBytesMax) }
        } catch let error as SmallFile.Failure {
            throw BuildFailure("base.missing", "\(error)")
        }
    }

    /// - Throws: `BuildFailure` also where they are other bytes than the descriptor names.
    func bytes(_ part: Descriptor) async throws -> [UInt8] {
        let bytes = try await bytes(Self.name(part))
        guard try BlobHasher.digest(bytes) == part.digest else { throw Self.damaged(part) }
        return bytes
    }

    func copy(_ part: Descriptor, into store: any BlobStore) async throws -> BlobPin {
        let file = try await MachineFiles(pool: pool).open(settled(Self.name(part)))
        defer { file.close() }
        let upload = try await store.beginUpload()
        do {
            while upload.offset <= part.size {
                let piece = try await file.read(at: upload.offset, atMost: 1 << 20)
                if piece.isEmpty { break }
                try await upload.append(piece[...], at: upload.offset)
            }
            return try await upload.finish(expecting: part.digest)
        } catch {
            try? await upload.cancel()
            if let error = error as? BlobError, error.code == .digestMismatch { throw Self.damaged(part) }
            throw error
        }
    }

    private static func name(_ part: Descriptor) -> String { "blobs/sha256/\(part.digest.hexadecimal)" }

    private static func damaged(_ part: Descriptor) -> BuildFailure {
        BuildFailure("base.damaged", "the layout's \(part.digest) has other bytes than its name says")
    }

    private func settled(_ name: String) async throws -> String {
        let (path, boundary) = ("\(path)/\(name)", boundary)
        return try await pool.run {
            guard let real = Self.real(path), let limit = Self.real(boundary) else {
                throw BuildFailure("base.missing", "\(path) is not there")
            }
            guard real.hasPrefix(limit + "/") else {
                throw BuildFailure("base.layout", "\(path) is not below \(boundary), the only place for layouts")
            }
            return real
        }
    }

    private static func real(_ path: String) -> String? {
        guard let real = realpath(path, nil) else { return nil }
        defer { free(real) }
        return String(cString: real)
    }
}
