internal import Blobs
internal import Tar

extension ImageArchive {
    /// The archive for whoever asks for one piece after the other. The parts must stay in the store meanwhile.
    public struct Pieces: AsyncSequence, Sendable {
        public typealias Element = ArraySlice<UInt8>
        public typealias Failure = any Error

        let archive: ImageArchive

        public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(archive: archive) }

        public struct AsyncIterator: AsyncIteratorProtocol {
            let archive: ImageArchive
            private var members: ArraySlice<(entry: TarEntry, contents: Contents)>?
            private var waiting: [ArraySlice<UInt8>] = []
            private var blob: (chunks: BlobChunks.AsyncIterator, reader: any BlobReader, padding: [UInt8])?
            private var isOver = false

            init(archive: ImageArchive) { self.archive = archive }

            /// - Throws: what the store throws; `OCIError` `.corrupt` where a part is not what the manifest says.
            public mutating func next() async throws -> ArraySlice<UInt8>? {
                while true {
                    if !waiting.isEmpty { return waiting.removeFirst() }
                    if var open = blob {
                        if let piece = try await open.chunks.next() {
                            blob = open
                            return piece
                        }
                        open.reader.release()
                        blob = nil
                        if !open.padding.isEmpty { return open.padding[...] }
                    } else if try await !begin() {
                        return nil
                    }
                }
            }

            /// Begins with the next member. False at the end.
            private mutating func begin() async throws -> Bool {
                var left = try members ?? archive.members[...]
                guard let member = left.popFirst() else {
                    members = left
                    guard !isOver else { return false }
                    isOver = true
                    waiting = [TarHeader.end[...]]
                    return true
                }
                members = left
                waiting = [TarHeader.bytes(of: member.entry)[...]]
                let padding = TarHeader.padding(after: member.entry.size)
                switch member.contents {
                case .none: break
                case .bytes(let bytes): waiting += [bytes[...], padding[...]].filter { !$0.isEmpty }
                case .blob(let digest):
                    let reader = try await archive.store.open(digest)
                    guard reader.info.size == member.entry.size else {
                        reader.release()
                        throw OCIError(.corrupt, "\(digest) has \(reader.info.size) bytes, not \(member.entry.size)")
                    }
                    blob = (reader.verifiedChunks().makeAsyncIterator(), reader, padding)
                }
                return true
            }
        }
    }

    /// The archive piece by piece.
    public var pieces: Pieces { Pieces(archive: self) }
}
