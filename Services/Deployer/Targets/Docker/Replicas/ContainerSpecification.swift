internal import OCI

/// How a replica's container is made.
struct ContainerSpecification {
    /// Where the replica finds its access key. A file and no variable: whoever may list containers, and whatever collects
    /// what engines say of them, reads variables.
    static let secretsFolder = "/run/slipway"
    static let keyFile = "access-keys"
    /// What an image runs as that says root, or nothing.
    static let plainUser = "65532:65532"

    var order: ReplicaOrder
    /// What the engine calls the image.
    var image: String
    var settings: DockerSettings

    /// The first port that the image exposes.
    var port: Int {
        let ports = order.image.configuration.exposedPorts.compactMap { text -> Int? in
            let parts = text.split(separator: "/")
            guard parts.count == 1 || parts.last == "tcp" else { return nil }
            return parts.first.flatMap { Int($0) }
        }
        return ports.filter { (1...65535).contains($0) }.min() ?? 8080
    }

    /// Who the replica's process is: never root.
    var user: String {
        let name = order.image.configuration.user
        let first = name.split(separator: ":", omittingEmptySubsequences: false).first ?? ""
        return ["", "0", "root"].contains(first) ? Self.plainUser : name
    }

    var json: [UInt8] {
        var environment = order.environment(listen: "0.0.0.0:\(port)")
        environment["SCORER_ACCESS_KEYS"] = nil
        environment["SCORER_ACCESS_KEYS_FILE"] = "\(Self.secretsFolder)/\(Self.keyFile)"
        var specification: EngineValue = [
            "Image": .text(image), "User": .text(user),
            "Env": .init(texts: environment.map { "\($0.key)=\($0.value)" }.sorted()),
            "Labels": .init(texts: ReplicaLabels.labels(of: order, port: port)),
            "ExposedPorts": ["\(port)/tcp": [:]],
            // Whether it is ready the deployer asks itself: a process for each look is too much for many replicas.
            "Healthcheck": ["Test": ["NONE"]],
            "AttachStdin": false, "AttachStdout": false, "AttachStderr": false, "Tty": false,
            "HostConfig": host,
        ]
        if !settings.network.isEmpty {
            specification["NetworkingConfig"] = ["EndpointsConfig": [settings.network: [:]]]
        }
        return specification.json
    }

    private var host: EngineValue {
        let needs = order.needs
        var host: EngineValue = [
            "ReadonlyRootfs": true, "CapDrop": ["ALL"], "SecurityOpt": ["no-new-privileges"], "Privileged": false,
            "Tmpfs": ["/tmp": "rw,exec,nosuid,nodev,mode=1777"], "PidsLimit": 4096,
            // The deployer starts what has ended, and waits longer each time.
            "RestartPolicy": ["Name": "no"], "AutoRemove": false,
            "LogConfig": ["Type": "json-file", "Config": ["max-size": "10m", "max-file": "2"]],
            "NanoCpus": .number(Double(needs.cpuMillis) * 1_000_000), "Memory": .number(Double(needs.memoryBytes)),
            // As much as the memory: nothing is swapped out.
            "MemorySwap": .number(Double(needs.memoryBytes)),
            // Without a name, so that it goes with the container.
            "Mounts": [["Type": "volume", "Target": .text(Self.secretsFolder), "VolumeOptions": ["NoCopy": true]]],
        ]
        if needs.gpus > 0 {
            host["DeviceRequests"] = [["Count": .number(Double(needs.gpus)), "Capabilities": [["gpu"]]]]
        }
        if settings.network.isEmpty {
            let address = settings.address.remoteHost == nil ? "127.0.0.1" : "0.0.0.0"
            host["PortBindings"] = ["\(port)/tcp": [["HostIp": .text(address), "HostPort": ""]]]
        } else {
            host["NetworkMode"] = .text(settings.network)
        }
        return host
    }
}
