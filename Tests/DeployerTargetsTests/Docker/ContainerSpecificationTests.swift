import Blobs
import OCI
import Testing

@testable import DeployerTargets

@Suite("How a replica's container is made")
struct ContainerSpecificationTests {
    private func specification(
        network: String = "", address: String = "unix:///d.sock", needs: ReplicaNeeds = ReplicaNeeds(),
        _ change: (inout ImageConfiguration) -> Void = { _ in }
    ) throws -> ContainerSpecification {
        var configuration = ImageConfiguration(platform: .current, user: "65532:65532", entryPoint: ["/bin/replica"])
        change(&configuration)
        let nothing = Descriptor(mediaType: MediaType.configuration, digest: try BlobHasher.digest([]), size: 0)
        let image = LocalImage(
            name: "default/churn:1", digest: "\(nothing.digest)",
            manifest: Manifest(configuration: nothing, layers: []),
            configuration: configuration, store: MemoryBlobStore())
        let order = ReplicaOrder(
            id: "replica-1",
            owner: ReplicaOwner(
                suite: "suite", workspace: "default", deployment: "churn", deploymentID: 3, revision: 2),
            image: image, variables: ["MODE": "fast"], needs: needs, concurrency: 4, accessKey: "very secret", fence: 9)
        let settings = DockerSettings(address: try EngineAddress(address), network: network, suite: "suite")
        return ContainerSpecification(order: order, image: "sha256:1234", settings: settings)
    }

    private func value(_ specification: ContainerSpecification) throws -> EngineValue {
        try EngineValue(json: specification.json[...])
    }

    @Test("it can write nothing but /tmp, gains no rights, is not started again and keeps a log of limited size")
    func hardening() throws {
        let host = try value(specification())["HostConfig"]
        #expect(host["ReadonlyRootfs"] == true)
        #expect(host["CapDrop"] == ["ALL"])
        #expect(host["SecurityOpt"] == ["no-new-privileges"])
        #expect(host["Tmpfs"].members.keys.sorted() == ["/tmp"])
        #expect(host["RestartPolicy"]["Name"] == "no")
        #expect(host["LogConfig"]["Config"]["max-size"] == "10m")
    }

    @Test("the access key is in none of what others can ask the engine for")
    func secrecy() throws {
        let specification = try specification()
        #expect(!String(decoding: specification.json, as: UTF8.self).contains("very secret"))
        let variables = try value(specification)["Env"].items.compactMap(\.text)
        #expect(variables.contains("SCORER_ACCESS_KEYS_FILE=/run/slipway/access-keys"))
        #expect(variables.contains("MODE=fast"))
        #expect(variables.contains("SCORER_LISTEN=0.0.0.0:8080"))
    }

    @Test("limits are those of the order, without swap; zero is none")
    func limits() throws {
        let host = try value(specification(needs: ReplicaNeeds(cpuMillis: 1500, memoryBytes: 1 << 30, gpus: 2)))[
            "HostConfig"]
        #expect(host["NanoCpus"].integer == 1_500_000_000)
        #expect(host["Memory"].integer == 1 << 30)
        #expect(host["MemorySwap"].integer == 1 << 30)
        #expect(host["DeviceRequests"].items.first?["Count"].integer == 2)
        let free = try value(specification())["HostConfig"]
        #expect(free["Memory"].integer == 0)
        #expect(free["DeviceRequests"] == .null)
    }

    @Test("a port of this machine alone is published, of another machine everywhere, and on a network none")
    func ports() throws {
        let near = try value(specification())["HostConfig"]["PortBindings"]["8080/tcp"].items.first
        #expect(near?["HostIp"] == "127.0.0.1")
        #expect(near?["HostPort"] == "")
        let far = try value(specification(address: "tcp://engine:2376"))["HostConfig"]["PortBindings"]["8080/tcp"].items
            .first
        #expect(far?["HostIp"] == "0.0.0.0")
        let joined = try value(specification(network: "backend"))
        #expect(joined["HostConfig"]["PortBindings"] == .null)
        #expect(joined["HostConfig"]["NetworkMode"] == "backend")
        #expect(joined["NetworkingConfig"]["EndpointsConfig"].members.keys.sorted() == ["backend"])
    }

    @Test("the image's port is taken, and its user unless that is root")
    func ofTheImage() throws {
        let specification = try specification { configuration in
            configuration.exposedPorts = ["9000/udp", "9001/tcp", "9002"]
            configuration.user = "nonroot"
        }
        #expect(specification.port == 9001)
        #expect(specification.user == "nonroot")
        for root in ["", "root", "0", "0:0", "root:users"] {
            #expect(try self.specification { $0.user = root }.user == "65532:65532")
        }
    }
}
