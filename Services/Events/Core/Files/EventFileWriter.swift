import Glibc

/// Why a file could not be written.
struct EventFileError: Error, CustomStringConvertible {
    let doing: String
    let number: Int32

    init(_ doing: String, _ number: Int32 = errno) {
        self.doing = doing
        self.number = number
    }

    var description: String { "\(doing): \(String(cString: strerror(number)))" }
}

/// Appends to a file and lets it go again. Blocks. Several processes may write the same file: one at a time does.
struct EventFileWriter {
    let place: EventFilePath
    let rules: EventFileRules

    /// - Throws: `EventFileError`; then nothing was written, or a part that the next writer begins a new line after.
    func append(_ bytes: [UInt8]) throws(EventFileError) {
        let folder = try openFolder()
        defer { close(folder) }
        guard let name = place.words.last else { return }
        var file = try openLocked(name, in: folder)
        defer { close(file) }
        var size = try size(of: file)
        if size > 0, size + bytes.count > rules.bytesMax, !bytes.isEmpty {
            try rotate(name, in: folder)
            close(file)
            file = -1
            file = try openLocked(name, in: folder)
            size = try self.size(of: file)
        }
        guard !bytes.isEmpty else { return }
        try write(try isWholeLine(file, size) ? bytes : [UInt8(ascii: "\n")] + bytes, to: file)
        if rules.syncs {
            guard fdatasync(file) == 0 else { throw EventFileError("the file can't be synced") }
            // The name of a new file has to last too.
            if size == 0, fsync(folder) != 0 { throw EventFileError("the folder can't be synced") }
        }
    }

    /// Goes from folder to folder, none of them through a link: whoever may put one there could send us elsewhere.
    private func openFolder() throws(EventFileError) -> Int32 {
        var folder = open(place.root, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { throw EventFileError("the folder for files of events can't be opened") }
        for word in place.words.dropLast() {
            if mkdirat(folder, word, 0o750) != 0, errno != EEXIST {
                let number = errno
                close(folder)
                throw EventFileError("the folder \(word) can't be made", number)
            }
            let next = openat(folder, word, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
            let number = errno
            close(folder)
            guard next >= 0 else { throw EventFileError("the folder \(word) can't be opened", number) }
            folder = next
        }
        return folder
    }

    /// The file, held against other writers. One that was rotated away between opening and holding it is let go again.
    private func openLocked(_ name: String, in folder: Int32) throws(EventFileError) -> Int32 {
        for _ in 0..<64 {
            // Never waits for the other end of a pipe.
            let flags = O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC
            let file = openat(folder, name, flags, 0o640)
            guard file >= 0 else { throw EventFileError("the file can't be opened") }
            do throws(EventFileError) {
                while flock(file, LOCK_EX) != 0 {
                    guard errno == EINTR else { throw EventFileError("the file can't be held") }
                }
                let own = try status(of: file)
                guard own.st_mode & S_IFMT == S_IFREG else { throw EventFileError("the path is no file", EINVAL) }
                var named = stat()
                if fstatat(folder, name, &named, AT_SYMLINK_NOFOLLOW) == 0, named.st_ino == own.st_ino,
                    named.st_dev == own.st_dev
                {
                    return file
                }
            } catch {
                close(file)
                throw error
            }
            close(file)
        }
        throw EventFileError("the file is rotated again and again", EBUSY)
    }

    /// `events.jsonl` becomes `events.jsonl.1`, that one `.2`, and the last goes.
    private func rotate(_ name: String, in folder: Int32) throws(EventFileError) {
        guard rules.kept > 0 else {
            guard unlinkat(folder, name, 0) == 0 else { throw EventFileError("the full file can't be removed") }
            return
        }
        for number in stride(from: rules.kept - 1, through: 0, by: -1) {
            let from = number == 0 ? name : "\(name).\(number)"
            guard renameat(folder, from, folder, "\(name).\(number + 1)") == 0 || errno == ENOENT else {
                throw EventFileError("the full file can't be renamed")
            }
        }
    }

    private func status(of file: Int32) throws(EventFileError) -> stat {
        var status = stat()
        guard fstat(file, &status) == 0 else { throw EventFileError("the file can't be looked at") }
        return status
    }

    private func size(of file: Int32) throws(EventFileError) -> Int { Int(try status(of: file).st_size) }

    /// False where a writer died in the middle of a line.
    private func isWholeLine(_ file: Int32, _ size: Int) throws(EventFileError) -> Bool {
        guard size > 0 else { return true }
        var last: UInt8 = 0
        guard pread(file, &last, 1, off_t(size - 1)) == 1 else { throw EventFileError("the file can't be read") }
        return last == UInt8(ascii: "\n")
    }

    private func write(_ bytes: [UInt8], to file: Int32) throws(EventFileError) {
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes { raw in
                Glibc.write(file, raw.baseAddress.map { $0 + written }, bytes.count - written)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw EventFileError("the file can't be written") }
            written += count
        }
    }
}
