/// Whom an image wants to run as, in numbers.
struct ImageUser: Equatable {
    var user: UInt32
    var group: UInt32

    /// Nobody of the machine's own: that of images that we build.
    static let ordinary = ImageUser(user: 65532, group: 65532)

    /// Reads `user`, `user:group`, in names or in numbers; names are those of the image's own lists. An image that wants
    /// to be root, or says nothing, gets the ordinary user: replicas are never root.
    /// - Throws: `TargetError` `.unusableImage` where a name is not in the image.
    init(_ text: String, in tree: RootTree) throws(TargetError) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        let userText = parts.first.map(String.init) ?? ""
        guard !userText.isEmpty else {
            self = .ordinary
            return
        }
        let people = Self.lines(of: "etc/passwd", in: tree)
        let person = people.first { $0.first == userText } ?? people.first { $0.count > 2 && $0[2] == userText }
        guard let user = UInt32(userText) ?? person.flatMap({ $0.count > 3 ? UInt32($0[2]) : nil }) else {
            throw TargetError(
                .unusableImage, "the image wants to run as \(userText), whom its /etc/passwd does not know")
        }
        var group = person.flatMap { $0.count > 3 ? UInt32($0[3]) : nil }
        if parts.count > 1, !parts[1].isEmpty {
            let name = String(parts[1])
            let found = Self.lines(of: "etc/group", in: tree).first { $0.first == name }
            group = UInt32(name) ?? found.flatMap { $0.count > 2 ? UInt32($0[2]) : nil }
            guard group != nil else {
                throw TargetError(
                    .unusableImage, "the image wants the group \(name), which its /etc/group does not know")
            }
        }
        guard user != 0 else {
            self = .ordinary
            return
        }
        self.init(user: user, group: group.flatMap { $0 == 0 ? nil : $0 } ?? Self.ordinary.group)
    }

    init(user: UInt32, group: UInt32) {
        self.user = user
        self.group = group
    }

    private static func lines(of path: String, in tree: RootTree) -> [[String]] {
        guard let file = tree.file(path), let bytes = try? file.read(at: 0, atMost: 1 << 20) else { return [] }
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map { line in
            line.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        }
    }
}
