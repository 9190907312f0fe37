import CommandLineKit
import Contracts
import Glibc

/// What is to be deployed, as it was named.
enum DeploySource: Equatable {
    /// A file or a folder, which is registered first.
    case path(String)
    /// A version of a model.
    case model(String)
    case image(String)

    private static let path = "slipway deploy"

    /// - Throws: `UsageError` where nothing, or too much, is named; `Failure` for a path that is not there.
    init(_ source: String, image: String?) throws {
        if let image {
            guard source.isEmpty else {
                throw UsageError("\(source) and --image \(image): one of them", path: DeploySource.path)
            }
            self = .image(image)
            return
        }
        guard !source.isEmpty else {
            throw UsageError(
                "say what: a file, a folder, a version such as churn:3, or --image churn-svc:2",
                path: DeploySource.path)
        }
        if access(source, F_OK) == 0 {
            self = .path(source)
        } else if DeploySource.namesVersion(source) {
            self = .model(source)
        } else {
            throw Failure(
                .notFound,
                "\(source): there is no such file or folder, and a version of a model is named churn:3, churn/latest "
                    + "or churn@champion")
        }
    }

    /// Whether the text can mean a version: `./models/churn` can't.
    private static func namesVersion(_ text: String) -> Bool {
        guard VersionText.namesVersion(text), let first = text.first, !"./~".contains(first) else { return false }
        let rest = text.hasPrefix("models:/") ? text.dropFirst(8) : text[...]
        guard let slash = rest.firstIndex(of: "/") else { return true }
        let tail = rest[rest.index(after: slash)...]
        return tail == "latest" || (!tail.isEmpty && tail.allSatisfy { $0.isASCII && $0.isNumber })
    }

    /// The name that a deployment of it gets where none is said; nil for a path.
    var name: String? {
        switch self {
        case .path: return nil
        case .model(let text), .image(let text):
            let rest = text.hasPrefix("models:/") ? text.dropFirst(8) : text[...]
            return String(rest.prefix { !":/@".contains($0) })
        }
    }
}

/// Names of deployments, which are a part of their addresses.
enum DeploymentName {
    static let wanted = "1 to 63 characters of a–z, 0–9 and -, beginning with a letter"

    static func isName(_ text: String) -> Bool {
        guard let first = text.utf8.first, (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(first) else {
            return false
        }
        return text.utf8.count <= 63
            && text.utf8.allSatisfy { byte in
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                    || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || byte == UInt8(ascii: "-")
            }
    }
}
