internal import Protobuf

/// Documents as JSON with their keys sorted and no blanks: the same document has one text, and so one digest.
extension Manifest {
    public var json: [UInt8] {
        JSONWriter.document { json in
            json.map("annotations", annotations)
            json.key("config")
            json.write(configuration)
            json.list("layers", layers) { json, layer in json.write(layer) }
            json.text("mediaType", mediaType)
            json.number("schemaVersion", 2)
        }
    }
}

extension ImageIndex {
    public var json: [UInt8] {
        JSONWriter.document { json in
            json.map("annotations", annotations)
            json.list("manifests", manifests) { json, manifest in json.write(manifest) }
            json.text("mediaType", mediaType)
            json.number("schemaVersion", 2)
        }
    }
}

extension ImageConfiguration {
    public var json: [UInt8] {
        JSONWriter.document { json in
            json.text("architecture", platform.architecture)
            json.key("config")
            json.object { json in writeExecution(&json) }
            // The time of the build is not part of what was built.
            json.text("created", "1970-01-01T00:00:00Z")
            json.list("history", history) { json, step in
                json.object { json in
                    json.text("created", "1970-01-01T00:00:00Z")
                    json.text("created_by", step.createdBy)
                    if step.isEmptyLayer {
                        json.key("empty_layer")
                        json.boolean(true)
                    }
                }
            }
            json.text("os", platform.operatingSystem)
            json.key("rootfs")
            json.object { json in
                json.list("diff_ids", layerContents) { json, digest in json.string("\(digest)") }
                json.text("type", "layers")
            }
            if !platform.variant.isEmpty { json.text("variant", platform.variant) }
        }
    }

    private func writeExecution(_ json: inout JSONWriter) {
        func texts(_ key: String, _ values: [String]) {
            if !values.isEmpty { json.list(key, values) { json, value in json.string(value) } }
        }
        texts("Cmd", command)
        texts("Entrypoint", entryPoint)
        texts("Env", environment)
        if !exposedPorts.isEmpty {
            json.key("ExposedPorts")
            json.object { json in
                for port in exposedPorts.sorted() {
                    json.key(port)
                    json.object { _ in }
                }
            }
        }
        if let check = healthCheck {
            json.key("Healthcheck")
            json.object { json in
                json.number("Interval", check.intervalNanoseconds)
                json.number("Retries", check.retries)
                json.number("StartPeriod", check.startNanoseconds)
                json.list("Test", check.test) { json, word in json.string(word) }
                json.number("Timeout", check.timeoutNanoseconds)
            }
        }
        json.map("Labels", labels)
        if !stopSignal.isEmpty { json.text("StopSignal", stopSignal) }
        if !user.isEmpty { json.text("User", user) }
        if !workingFolder.isEmpty { json.text("WorkingDir", workingFolder) }
    }
}

extension JSONWriter {
    fileprivate static func document(_ body: (inout JSONWriter) -> Void) -> [UInt8] {
        var json = JSONWriter()
        json.object(body)
        return json.bytes
    }

    fileprivate mutating func object(_ body: (inout JSONWriter) -> Void) {
        beginObject()
        body(&self)
        endObject()
    }

    fileprivate mutating func text(_ key: String, _ value: String) {
        self.key(key)
        string(value)
    }

    fileprivate mutating func number(_ key: String, _ value: Int64) {
        self.key(key)
        integer(value)
    }

    /// Left out where it is empty.
    fileprivate mutating func map(_ key: String, _ values: [String: String]) {
        if values.isEmpty { return }
        self.key(key)
        object { json in for (name, value) in values.sorted(by: { $0.key < $1.key }) { json.text(name, value) } }
    }

    fileprivate mutating func list<Element>(
        _ key: String, _ elements: [Element], _ body: (inout JSONWriter, Element) -> Void
    ) {
        self.key(key)
        beginArray()
        for value in elements {
            element()
            body(&self, value)
        }
        endArray()
    }

    fileprivate mutating func write(_ descriptor: Descriptor) {
        object { json in
            json.map("annotations", descriptor.annotations)
            json.text("digest", "\(descriptor.digest)")
            json.text("mediaType", descriptor.mediaType)
            if let platform = descriptor.platform {
                json.key("platform")
                json.object { json in
                    json.text("architecture", platform.architecture)
                    json.text("os", platform.operatingSystem)
                    if !platform.variant.isEmpty { json.text("variant", platform.variant) }
                }
            }
            json.number("size", descriptor.size)
        }
    }
}
