import Contracts
import Glibc

/// What git knows of the place that a model lies in.
enum GitFacts {
    /// - Returns: nil where there is no repository with a commit, or no git.
    static func of(_ path: String) -> Slipway.Models.V1.Git? {
        var facts = stat()
        guard stat(path, &facts) == 0 else { return nil }
        let isFolder = facts.st_mode & S_IFMT == S_IFDIR
        let parent = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
        let folder = isFolder ? path : parent
        func git(_ arguments: String...) -> String? {
            // Neither the repository's own programs nor its index are touched by a look.
            let output = Subprocess.output(
                ["git", "-C", folder, "-c", "core.fsmonitor=false"] + arguments,
                variables: ["GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"])
            return output.map {
                String($0.drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
            }
        }
        guard let commit = git("rev-parse", "--verify", "--quiet", "HEAD"), !commit.isEmpty else { return nil }
        var result = Slipway.Models.V1.Git()
        result.commit = commit
        result.branch = git("symbolic-ref", "--quiet", "--short", "HEAD") ?? ""
        result.dirty =
            git("status", "--porcelain", "--untracked-files=no", "--ignore-submodules=none")?.isEmpty == false
        result.repository = withoutCredentials(git("remote", "get-url", "origin") ?? "")
        return result
    }

    /// A remote's address as it may be shown: without the password, and without a user but for ssh, where it is a part
    /// of the address.
    static func withoutCredentials(_ address: String) -> String {
        guard let scheme = address.range(of: "://") else { return address }
        let rest = address[scheme.upperBound...]
        let authority = rest.prefix { $0 != "/" }
        guard let at = authority.lastIndex(of: "@") else { return address }
        let user = authority[..<at].prefix { $0 != ":" }
        let isKept = address[..<scheme.lowerBound].hasSuffix("ssh") && !user.isEmpty
        return address[..<scheme.upperBound] + (isKept ? "\(user)@" : "") + rest[rest.index(after: at)...]
    }
}

extension StringProtocol {
    /// The first place of a text in this one.
    fileprivate func range(of text: String) -> Range<Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(text) { return start..<index(start, offsetBy: text.count) }
            start = index(after: start)
        }
        return nil
    }
}
