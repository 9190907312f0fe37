internal import Glibc

/// Where this machine's loader looks for libraries that say nothing of where they are: `/etc/ld.so.conf` with what it
/// includes, and the folders that are built in.
enum LibraryFolders {
    static let builtIn = [
        "/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib64", "/usr/lib64", "/lib", "/usr/lib",
    ]
    static let builtInForARM = [
        "/lib/aarch64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/lib64", "/usr/lib64", "/lib", "/usr/lib",
    ]

    static func ofThisMachine() -> [String] {
        #if arch(arm64)
            let last = builtInForARM
        #else
            let last = builtIn
        #endif
        var found: [String] = []
        for folder in folders(in: "/etc/ld.so.conf", depth: 0) + last where !found.contains(folder) {
            found.append(folder)
        }
        return found
    }

    private static func folders(in file: String, depth: Int) -> [String] {
        guard depth < 4, let text = try? SmallFile.read(file, upTo: 1 << 20) else { return [] }
        var found: [String] = []
        for line in String(decoding: text, as: UTF8.self).split(separator: "\n") {
            let words = line.prefix { $0 != "#" }.split { $0 == " " || $0 == "\t" }
            if words.first == "include" {
                for pattern in words.dropFirst() {
                    for file in matches(String(pattern)) { found += folders(in: file, depth: depth + 1) }
                }
            } else if let folder = words.first, folder.hasPrefix("/") {
                found.append(String(folder))
            }
        }
        return found
    }

    private static func matches(_ pattern: String) -> [String] {
        var result = glob_t()
        defer { globfree(&result) }
        guard glob(pattern, 0, nil, &result) == 0 else { return [] }
        return (0..<Int(result.gl_pathc)).compactMap { result.gl_pathv[$0].map { String(cString: $0) } }
    }
}
