/// A program with every library that its loader will ask for, found as the loader would find them on this machine. Put
/// into an image under the same names it runs there without anything else.
struct ElfClosure: Equatable, Sendable {
    /// A file of the closure: the path by which the loader asks for it, and where it really lies.
    struct Member: Hashable, Sendable {
        let path: String
        let file: String
    }

    /// By path.
    let members: [Member]

    /// - Parameters:
    ///   - roots: programs and libraries that are opened by name, which are members themselves.
    ///   - read: the first bytes of a file suffice where it holds its dynamic section there; whole files are safe.
    /// - Throws: `ElfClosureError`, naming who asks for what.
    init(
        of roots: [String], searching folders: [String],
        exists: (String) -> Bool, resolve: (String) -> String?, read: (String) throws -> [UInt8]
    ) throws {
        var found: [String: Member] = [:]
        var byName: [String: String] = [:]
        var waiting: [(path: String, inherited: [String], machine: UInt16?)] = roots.map { ($0, [], nil) }
        while let next = waiting.popLast() {
            guard found[next.path] == nil else { continue }
            guard let file = resolve(next.path) else { throw ElfClosureError("\(next.path) is not there") }
            let elf: ElfFile
            do {
                elf = try ElfFile(read(file))
            } catch let error as ElfError {
                throw ElfClosureError("\(next.path) \(error)")
            }
            if let machine = next.machine, machine != elf.machine {
                throw ElfClosureError("\(next.path) is for another machine than what asks for it")
            }
            found[next.path] = Member(path: next.path, file: file)
            let origin = file.lastIndex(of: "/").map { String(file[..<$0]) } ?? ""
            let own = elf.runPaths.map { Self.expanded($0, origin: origin) }
            let inherited = elf.runPathsAreInherited ? own + next.inherited : next.inherited
            if let loader = elf.interpreter { waiting.append((loader, [], elf.machine)) }
            for name in elf.needed {
                let path: String
                if name.contains("/") {
                    path = name
                } else if let known = byName[name] {
                    // The loader takes what it has under that name, whoever brought it.
                    path = known
                } else {
                    let places = (elf.runPathsAreInherited ? [] : own) + inherited + folders
                    guard let folder = places.first(where: { exists("\($0)/\(name)") }) else {
                        throw ElfClosureError(
                            "\(next.path) needs \(name), which is in none of \(places.joined(separator: ", "))")
                    }
                    path = "\(folder)/\(name)"
                    byName[name] = path
                }
                waiting.append((path, inherited, elf.machine))
            }
        }
        members = found.values.sorted { $0.path < $1.path }
    }

    private static func expanded(_ path: String, origin: String) -> String {
        var result = path
        for name in ["${ORIGIN}", "$ORIGIN"] {
            while let range = result.firstRange(of: name) { result.replaceSubrange(range, with: origin) }
        }
        return result
    }
}

struct ElfClosureError: Error, Equatable, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
