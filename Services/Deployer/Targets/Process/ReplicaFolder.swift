internal import CLinux
internal import Glibc
internal import HTTP

/// What is kept of one replica. All of it blocks, if briefly.
///
/// - `order`: the record, there before anything else.
/// - `started`: put down by the replica's supervisor as soon as it holds `alive`.
/// - `ended`: put down by the supervisor, last.
/// - `log`, `log.1`: lines with their times.
/// - `run`: the replica's own folder, with its socket.
///
/// The file in `alive`, beside the replicas' folders, is locked by the supervisor as long as it lives. The kernel lets go of
/// that lock whatever happens to it, and names who holds it: no number of a process is ever believed that was written down.
struct ReplicaFolder {
    let id: ReplicaID
    let path: String
    let alive: String

    init(_ id: ReplicaID, in folder: String) {
        self.id = id
        path = "\(folder)/replicas/\(id)"
        alive = "\(folder)/alive/\(id)"
    }

    var socket: String { "\(path)/run/http" }
    var exists: Bool { access(path, F_OK) == 0 }
    var wasStarted: Bool { access("\(path)/started", F_OK) == 0 }
    var hasEnded: Bool { access("\(path)/ended", F_OK) == 0 }

    /// The supervisor, while it lives.
    var supervisor: pid_t? {
        guard let file = try? OpenFile(alive, O_RDONLY) else { return nil }
        let holder = slipway_lock_holder(file.descriptor)
        return holder > 0 ? holder : nil
    }

    func record() -> ReplicaRecord? { text("order").flatMap(ReplicaRecord.init(text:)) }

    /// - Throws: `SystemFault`.
    func write(_ record: ReplicaRecord) throws(SystemFault) {
        let (temporary, final) = ("\(path)/order.new", "\(path)/order")
        let file = try OpenFile(temporary, O_WRONLY | O_CREAT | O_TRUNC)
        try file.write(Array(record.text.utf8)[...], path: temporary)
        guard rename(temporary, final) == 0 else { throw SystemFault("name", final) }
    }

    /// What is to be seen of it; nil where it was never started, or is being.
    func observe() -> ObservedReplica? {
        guard let record = record(), wasStarted else { return nil }
        var replica = ObservedReplica(id: id, owner: record.owner, state: .running, startedAt: record.startedAt)
        if let ending = ending() {
            replica.state = .ended(ending)
        } else if supervisor != nil {
            replica.address = .unix(path: socket)
        } else {
            // Either it has put down its ending since we looked, or nobody will.
            replica.state = .ended(ending() ?? ObservedReplica.Ending(lastWords: lastWords()))
        }
        return replica
    }

    private func ending() -> ObservedReplica.Ending? {
        guard let text = text("ended") else { return nil }
        var ending = ObservedReplica.Ending()
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: "=")
            guard parts.count == 2, let value = Int64(parts[1]) else { continue }
            switch parts[0] {
            case "code": ending.code = Int(value)
            case "signal": ending.signal = Int(value)
            case "memory": ending.ranOutOfMemory = value != 0
            case "at": ending.at = value
            default: break
            }
        }
        ending.lastWords = lastWords()
        return ending
    }

    private func lastWords() -> String {
        let lines = ReplicaLog(path).last(100).lines
        var words: [String] = []
        var room = 4096
        for line in lines.reversed() {
            var text = line.text
            while text.utf8.count >= room, !text.isEmpty { text.removeFirst() }
            guard !text.isEmpty || line.text.isEmpty else { break }
            words.append(text + "\n")
            room -= text.utf8.count + 1
            if room <= 1 { break }
        }
        return words.reversed().joined()
    }

    private func text(_ name: String) -> String? {
        guard let file = try? OpenFile("\(path)/\(name)", O_RDONLY), let bytes = try? file.read(at: 0, atMost: 64 << 10)
        else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }
}
