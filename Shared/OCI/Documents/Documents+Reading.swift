internal import Blobs
public import Protobuf

/// Documents out of JSON of others: fields that are not known are passed over, what is needed must be there and hold.
extension Manifest {
    /// - Throws: `OCIError` `.malformed`, saying where.
    public init(json: Bytes) throws(OCIError) {
        self.init(configuration: .none, layers: [])
        var (version, hasLayers): (Int64, Bool) = (0, false)
        mediaType = ""
        try DocumentReader.read(json, "manifest") { key, json in
            switch key {
            case "schemaVersion": version = try json.integer(Int64.self)
            case "mediaType": mediaType = try json.string()
            case "config": configuration = try json.descriptor()
            case "layers":
                hasLayers = true
                try json.elements { json in layers.append(try json.descriptor()) }
            case "annotations": annotations = try json.texts()
            default: try json.skipValue()
            }
        }
        guard version == 2 else { throw OCIError(.unsupported, "a manifest of schema \(version); 2 is understood") }
        guard configuration != .none, hasLayers else {
            throw OCIError(.malformed, "a manifest without configuration or layers")
        }
        if mediaType.isEmpty { mediaType = MediaType.manifest }
    }
}

extension ImageIndex {
    /// - Throws: `OCIError` `.malformed`, saying where.
    public init(json: Bytes) throws(OCIError) {
        self.init(manifests: [])
        var version: Int64 = 0
        try DocumentReader.read(json, "index") { key, json in
            switch key {
            case "schemaVersion": version = try json.integer(Int64.self)
            case "mediaType": mediaType = try json.string()
            case "manifests": try json.elements { json in manifests.append(try json.descriptor()) }
            case "annotations": annotations = try json.texts()
            default: try json.skipValue()
            }
        }
        guard version == 2 else { throw OCIError(.unsupported, "an index of schema \(version); 2 is understood") }
    }
}

extension ImageConfiguration {
    /// - Throws: `OCIError` `.malformed`, saying where.
    public init(json: Bytes) throws(OCIError) {
        self.init(platform: Platform(operatingSystem: "", architecture: ""))
        try DocumentReader.read(json, "image configuration") { key, json in
            switch key {
            case "architecture": platform.architecture = try json.string()
            case "os": platform.operatingSystem = try json.string()
            case "variant": platform.variant = try json.string()
            case "config": try json.membersOrNull { key, json in try readExecution(key, &json) }
            case "rootfs":
                try json.members { key, json in
                    guard key == "diff_ids" else { return try json.skipValue() }
                    try json.elements { json in layerContents.append(try json.digest()) }
                }
            case "history": try json.elementsOrNull { json in history.append(try json.step()) }
            default: try json.skipValue()
            }
        }
        guard !platform.architecture.isEmpty, !platform.operatingSystem.isEmpty else {
            throw OCIError(.malformed, "an image configuration that doesn't say what it runs on")
        }
    }

    private mutating func readExecution(_ key: String, _ json: inout JSONReader) throws {
        switch key {
        case "User": user = try json.string()
        case "Env": environment = try json.list()
        case "Entrypoint": entryPoint = try json.list()
        case "Cmd": command = try json.list()
        case "WorkingDir": workingFolder = try json.string()
        case "Labels": labels = try json.texts()
        case "StopSignal": stopSignal = try json.string()
        case "ExposedPorts":
            try json.membersOrNull { port, json in
                exposedPorts.insert(port)
                try json.skipValue()
            }
        case "Healthcheck": healthCheck = try json.healthCheck()
        default: try json.skipValue()
        }
    }
}

enum DocumentReader {
    static func read(
        _ bytes: Bytes, _ what: String, _ member: (String, inout JSONReader) throws -> Void
    ) throws(OCIError) {
        do {
            try JSONReader.read(bytes) { json in try json.members(member) }
        } catch let error as OCIError {
            throw error
        } catch {
            throw OCIError(.malformed, "the \(what) can't be read: \(error)")
        }
    }
}

extension Descriptor {
    /// Stands where none was read yet.
    fileprivate static let none = Descriptor(mediaType: "", digest: BlobDigest.zeros, size: -1)
}

extension BlobDigest {
    fileprivate static let zeros: BlobDigest = {
        guard let digest = BlobDigest(bytes: [UInt8](repeating: 0, count: 32)) else {
            preconditionFailure("32 bytes are a digest")
        }
        return digest
    }()
}

extension JSONReader {
    fileprivate mutating func digest() throws -> BlobDigest {
        let text = try string()
        guard let digest = BlobDigest(text) else {
            throw failure(.invalidValue, "\(text) is no SHA-256 digest, the only kind that is understood")
        }
        return digest
    }

    fileprivate mutating func membersOrNull(_ body: (String, inout JSONReader) throws -> Void) throws {
        if try !takeNull() { try members(body) }
    }

    fileprivate mutating func elementsOrNull(_ body: (inout JSONReader) throws -> Void) throws {
        if try !takeNull() { try elements(body) }
    }

    fileprivate mutating func texts() throws -> [String: String] {
        var found: [String: String] = [:]
        try membersOrNull { key, json in found[key] = try json.string() }
        return found
    }

    fileprivate mutating func list() throws -> [String] {
        var found: [String] = []
        try elementsOrNull { json in found.append(try json.string()) }
        return found
    }

    fileprivate mutating func descriptor() throws -> Descriptor {
        var (descriptor, digest): (Descriptor, BlobDigest?) = (.none, nil)
        try members { key, json in
            switch key {
            case "mediaType": descriptor.mediaType = try json.string()
            case "digest": digest = try json.digest()
            case "size": descriptor.size = try json.integer(Int64.self)
            case "annotations": descriptor.annotations = try json.texts()
            case "platform": descriptor.platform = try json.platform()
            default: try json.skipValue()
            }
        }
        guard let digest, descriptor.size >= 0, !descriptor.mediaType.isEmpty else {
            throw failure(.invalidValue, "a descriptor needs mediaType, digest and a size that is not negative")
        }
        descriptor.digest = digest
        return descriptor
    }

    fileprivate mutating func platform() throws -> Platform {
        var platform = Platform(operatingSystem: "", architecture: "")
        try members { key, json in
            switch key {
            case "architecture": platform.architecture = try json.string()
            case "os": platform.operatingSystem = try json.string()
            case "variant": platform.variant = try json.string()
            default: try json.skipValue()
            }
        }
        return platform
    }

    fileprivate mutating func step() throws -> ImageConfiguration.Step {
        var step = ImageConfiguration.Step(createdBy: "")
        try members { key, json in
            switch key {
            case "created_by": step.createdBy = try json.string()
            case "empty_layer": step.isEmptyLayer = try json.boolean()
            default: try json.skipValue()
            }
        }
        return step
    }

    fileprivate mutating func healthCheck() throws -> ImageConfiguration.HealthCheck? {
        if try takeNull() { return nil }
        var check = ImageConfiguration.HealthCheck(
            test: [], intervalNanoseconds: 0, timeoutNanoseconds: 0, startNanoseconds: 0, retries: 0)
        try members { key, json in
            switch key {
            case "Test": check.test = try json.list()
            case "Interval": check.intervalNanoseconds = try json.integer(Int64.self)
            case "Timeout": check.timeoutNanoseconds = try json.integer(Int64.self)
            case "StartPeriod": check.startNanoseconds = try json.integer(Int64.self)
            case "Retries": check.retries = try json.integer(Int64.self)
            default: try json.skipValue()
            }
        }
        return check
    }
}
