import CommandLineKit
import Contracts

enum TargetAttach {
    static let process = Flag.switch("process", "processes on the deployer's own machine")
    static let docker = Flag.text(
        "docker", "ADDRESS", "a container engine: unix:///var/run/docker.sock, tcp://host:2376")
    static let network = Flag.text("network", "NAME", "the network that containers join (the engine's default)")
    static let authorities = Flag.text(
        "engine-ca", "FILE", "PEM file of the authorities of the engine's certificate", completion: .files)
    static let certificate = Flag.text(
        "certificate", "FILE", "PEM file of our certificate for the engine", completion: .files)
    static let key = Flag.text("certificate-key", "FILE", "PEM file of its key", completion: .files)
    static let cpu = Flag.cores("limit-cpu", "cores that deployments may have of the machine together (all)")
    static let memory = Flag.size("limit-memory", "memory that they may have (all)")
    static let replicas = Flag.integer("limit-replicas", "COUNT", in: 1...100_000, "replicas that may run there")
    static let description = Flag.text("description", "TEXT", "what it is for")
    private static let path = "slipway target attach"

    static let command = Command<Session>(
        "attach", "Makes a place that runs replicas known under a name.",
        details: "It is checked first; what is wrong with it is said, and nothing is attached then.",
        arguments: [TargetGroup.name],
        flags: [
            process.specification, docker.specification, network.specification, authorities.specification,
            certificate.specification, key.specification, cpu.specification, memory.specification,
            replicas.specification, description.specification, Shared.reason.specification,
        ],
        examples: [
            .init("slipway target attach engine --docker unix:///var/run/docker.sock", "the machine's docker"),
            .init(
                "slipway target attach far --docker tcp://far:2376 --engine-ca ca.pem --certificate us.pem "
                    + "--certificate-key us.key", "another machine's"),
            .init("slipway target attach small --process --limit-cpu 2 --limit-memory 4GB", "a part of this machine"),
        ]
    ) { values, session in
        let place = try place(values)
        let target = try await session.connect().targets.attachTarget(
            .init(
                name: values[TargetGroup.name], description: values[description] ?? "", place: place,
                reason: values[Shared.reason] ?? ""))
        try session.show(target) { TargetText.details(target, session) }
        session.done("\(target.name) is attached")
    }

    private static func place(_ values: Values) throws -> Slipway.Targets.V1.TargetPlace {
        let limit = Slipway.Targets.V1.Capacity(
            cpuMillis: Int64(values[cpu] ?? 0), memoryBytes: values[memory] ?? 0,
            replicas: Int32(values[replicas] ?? 0))
        switch (values[process], values[docker]) {
        case (true, nil):
            for flag in [network, authorities, certificate, key] where values[flag] != nil {
                throw UsageError("--\(flag.specification.name) goes with --docker", path: path)
            }
            return .init(kind: .process(.init(limit: limit == .init() ? nil : limit)))
        case (false, let address?):
            guard limit == .init() else { throw UsageError("limits go with --process", path: path) }
            let isAddress = ["unix:///", "tcp://", "http://", "https://"].contains { address.hasPrefix($0) }
            guard isAddress else {
                throw UsageError(
                    "--docker \"\(address)\": must be unix:///var/run/docker.sock or tcp://host:2376", path: path)
            }
            func read(_ flag: Flag<String?>) throws -> String {
                try values[flag].map { try TextInput.read($0, what: "PEM") } ?? ""
            }
            return .init(
                kind: .docker(
                    .init(
                        address: address, network: values[network] ?? "", authoritiesPem: try read(authorities),
                        certificatePem: try read(certificate), keyPem: try read(key))))
        default: throw UsageError("say what it is: --process or --docker ADDRESS", path: path)
        }
    }
}
