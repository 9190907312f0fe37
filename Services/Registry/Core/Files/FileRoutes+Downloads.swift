import ResourceKit
import Access
import HTTP
import RPC

extension FileRoutes {
    func sendFile(_ request: HTTPRequest, _ caller: Caller, _ responder: HTTPResponder) async throws {
        let name = try versionName(request)
        let file = try await downloads.open(request.parameters["path"] ?? "", of: name, by: caller)
        defer { file.close() }
        let entityTag = "\"\(file.entry.digest)\""
        var head = ResponseHead(status: 200, fields: commonFields(entityTag))
        head.fields.add("accept-ranges", "bytes")
        guard !HTTPRange.isKnown(request.head.fields, entityTag: entityTag) else {
            head.status = 304
            try await responder.send(head)
            return try await responder.finish()
        }
        let size = file.entry.size
        var range: Range<Int64> = 0..<size
        // Only GET has ranges.
        switch request.head.method == .get ? HTTPRange(request.head.fields, size: size, entityTag: entityTag) : .whole {
        case .whole: break
        case .part(let part):
            range = part
            head.status = 206
            head.fields.add("content-range", "bytes \(part.lowerBound)-\(part.upperBound - 1)/\(size)")
        case .unsatisfiable:
            throw HTTPFailure(
                status: 416, code: "out_of_range", message: "the file has \(size) bytes, and the range is beyond them",
                fields: ["content-range": "bytes */\(size)", "accept-ranges": "bytes"])
        }
        head.fields.add("content-type", "application/octet-stream")
        head.fields.add("content-length", "\(range.count)")
        let fileName = file.entry.path.split(separator: "/").last.map(String.init) ?? "file"
        head.fields.add("content-disposition", ContentDisposition.attachment(fileName))
        if request.head.method == .head {
            try await responder.send(head)
            return try await responder.finish()
        }
        // The head waits for the first bytes: what turns out damaged by then is answered with an error that can be read.
        var isHeadSent = false
        try await downloads.send(file, range) { bytes in
            if !isHeadSent { try await responder.send(head) }
            isHeadSent = true
            try await responder.write(bytes)
        }
        if !isHeadSent { try await responder.send(head) }
        try await responder.finish()
    }

    func sendArchive(_ request: HTTPRequest, _ caller: Caller, _ responder: HTTPResponder) async throws {
        let version = try await downloads.find(try versionName(request), by: caller)
        let entityTag = "\"\(version.digest).tar\""
        var head = ResponseHead(status: 200, fields: commonFields(entityTag))
        guard !HTTPRange.isKnown(request.head.fields, entityTag: entityTag) else {
            head.status = 304
            try await responder.send(head)
            return try await responder.finish()
        }
        let archive = try await downloads.archive(version)
        head.fields.add("content-type", "application/x-tar")
        head.fields.add("content-length", "\(archive.size)")
        head.fields.add(
            "content-disposition", ContentDisposition.attachment("\(version.name)-\(version.version).tar"))
        try await responder.send(head)
        if request.head.method != .head {
            try await downloads.send(archive) { _, bytes in try await responder.write(bytes) }
        }
        try await responder.finish()
    }

    private func versionName(_ request: HTTPRequest) throws -> VersionReference {
        let name = request.parameters["name"] ?? ""
        let version = request.parameters["version"] ?? ""
        return try VersionReference(version.hasPrefix("@") ? name + version : name + "/" + version)
    }

    /// What is here under a number never changes, but who may have it does: it is asked for each time, and sent once.
    private func commonFields(_ entityTag: String) -> HeaderFields {
        ["etag": entityTag, "cache-control": "private, no-cache", "x-content-type-options": "nosniff"]
    }
}

/// What a browser is to call a file that it saves (RFC 6266).
enum ContentDisposition {
    static func attachment(_ name: String) -> String {
        let plain = String(
            name.unicodeScalars.map {
                $0.isASCII && $0.value >= 0x20 && $0.value != 0x7F && $0 != "\"" && $0 != "\\" ? Character($0) : "_"
            })
        guard plain != name else { return "attachment; filename=\"\(name)\"" }
        return "attachment; filename=\"\(plain)\"; filename*=UTF-8''\(encoded(name))"
    }

    private static func encoded(_ name: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var bytes: [UInt8] = []
        for byte in name.utf8 {
            let isPlain = (97...122).contains(byte) || (65...90).contains(byte) || (48...57).contains(byte)
            if isPlain || "-._~".utf8.contains(byte) {
                bytes.append(byte)
            } else {
                bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
