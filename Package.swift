// swift-tools-version: 6.2
import Foundation
import PackageDescription

/// Every target of ours: Swift 6, warnings as errors.
///
/// Asynchronous functions stay on their caller's executor: each switch of a task costs a lock in the runtime, and a call
/// passes a dozen functions.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6), .treatAllWarnings(as: .error), .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

func library(_ name: String, _ dependencies: [Target.Dependency] = [], path: String? = nil) -> Target {
    .target(name: name, dependencies: dependencies, path: path ?? "Shared/\(name)", swiftSettings: strict)
}
func program(_ name: String, _ dependencies: [Target.Dependency], path: String, exclude: [String] = []) -> Target {
    .executableTarget(name: name, dependencies: dependencies, path: path, exclude: exclude, swiftSettings: strict)
}
func tests(
    _ name: String, _ dependencies: [Target.Dependency], path: String? = nil, exclude: [String] = []
) -> Target {
    .testTarget(
        name: name, dependencies: dependencies, path: path ?? "Tests/\(name)", exclude: exclude, swiftSettings: strict)
}
func system(_ name: String, pkgConfig: String? = nil, package: String? = nil) -> Target {
    .systemLibrary(
        name: "C\(name)", path: "Shared/C/\(name)", pkgConfig: pkgConfig, providers: package.map { [.apt([$0])] } ?? [])
}
/// A part of an adapter: C, of which only the adapter's entry is seen from outside.
func adapter(_ name: String, _ dependencies: [Target.Dependency], path: String, exclude: [String] = []) -> Target {
    .target(
        name: name, dependencies: ["AdapterABI"] + dependencies, path: "Services/Scorer/Adapters/\(path)",
        exclude: exclude,
        cSettings: [
            .define("_GNU_SOURCE"),
            .unsafeFlags(["-std=gnu11", "-fvisibility=hidden", "-ffp-contract=off", "-Wall", "-Wextra", "-Werror"]),
            .unsafeFlags(["-O3"], .when(configuration: .release)),
        ],
        linkerSettings: [
            // Swift's driver links: so that the library needs none of its runtime.
            .unsafeFlags(["-nostartfiles", "-static-stdlib"]), .linkedLibrary("m"), .linkedLibrary("dl"),
        ])
}

/// A faster allocator for every program with a loop: used where its headers are installed, and done without elsewhere.
let hasMimalloc = FileManager.default.fileExists(atPath: "/usr/include/mimalloc.h")

let package = Package(
    name: "slipway",
    products: [
        .executable(name: "protoc-gen-slipway", targets: ["ProtocGenSlipway"]),
        .executable(name: "protobuf-testee", targets: ["ProtobufTestee"]),
        .executable(name: "bench-protobuf", targets: ["BenchProtobuf"]),
        .executable(name: "rpc-interop-server", targets: ["RPCInteropServer"]),
        .executable(name: "rpc-interop-client", targets: ["RPCInteropClient"]),
        .executable(name: "rpc-conformance-server", targets: ["RPCConformanceServer"]),
        .executable(name: "rpc-conformance-client", targets: ["RPCConformanceClient"]),
        .executable(name: "bench-echo", targets: ["BenchEcho"]),
        .executable(name: "bench-blobs", targets: ["BenchBlobs"]),
        .executable(name: "bench-telemetry", targets: ["BenchTelemetry"]),
        .executable(name: "activity-worker", targets: ["ActivityWorker"]),
        .executable(name: "image-maker", targets: ["ImageMaker"]),
        .executable(name: "bench-models", targets: ["BenchModels"]),
        .executable(name: "bench-serving", targets: ["BenchServing"]),
        .executable(name: "bench-scoring-load", targets: ["BenchScoringLoad"]),
        .executable(name: "bench-state", targets: ["BenchState"]),
        .executable(name: "bench-delivery", targets: ["BenchDelivery"]),
        .executable(name: "bench-events", targets: ["BenchEvents"]),
        .executable(name: "bench-router", targets: ["BenchRouter"]),
        .executable(name: "event-deliverer", targets: ["EventDeliverer"]),
        .library(name: "PythonAdapter", type: .dynamic, targets: ["PythonAdapter"]),
        .executable(name: "registry", targets: ["Registry"]),
        .executable(name: "scorer", targets: ["Scorer"]),
        .executable(name: "events", targets: ["Events"]),
        .executable(name: "replica-launcher", targets: ["ReplicaLauncher"]),
        .executable(name: "image-builder", targets: ["ImageBuilder"]),
        .executable(name: "deployer", targets: ["Deployer"]),
        .executable(name: "router", targets: ["RouterMain"]),
        .executable(name: "slipway", targets: ["Slipway"]),
        .executable(name: "dialect-server", targets: ["DialectServer"]),
        .executable(name: "distribution-server", targets: ["DistributionServer"]),
        .executable(name: "adapter-check", targets: ["AdapterCheck"]),
        .executable(name: "bench-registry-files", targets: ["BenchRegistryFiles"]),
        .library(name: "OnnxRuntimeAdapter", type: .dynamic, targets: ["OnnxRuntimeAdapter"]),
        .library(name: "XGBoostAdapter", type: .dynamic, targets: ["XGBoostAdapter"]),
        .library(name: "LightGBMAdapter", type: .dynamic, targets: ["LightGBMAdapter"]),
    ],
    targets: [
        // System libraries, each behind its module map and static-inline shims.
        system("Linux"),
        system("Nghttp2", pkgConfig: "libnghttp2", package: "libnghttp2-dev"),
        system("OpenSSL", pkgConfig: "openssl", package: "libssl-dev"),
        system("Zlib", pkgConfig: "zlib", package: "zlib1g-dev"),
        system("Curl", pkgConfig: "libcurl", package: "libcurl4-openssl-dev"),
        system("PostgreSQL", pkgConfig: "libpq", package: "libpq-dev"),
        system("ProtobufC", pkgConfig: "libprotobuf-c", package: "libprotobuf-c-dev"),

    ] + (hasMimalloc ? [system("Mimalloc", package: "libmimalloc-dev")] : []) + [
        // Mechanisms.
        library("Loop", ["CLinux"] + (hasMimalloc ? ["CMimalloc"] : [])),
        library("HTTP", ["Loop", "CLinux", "CNghttp2", "COpenSSL"]),
        library("Protobuf"),
        // How far words are apart, for "did you mean".
        library("Spelling"),
        // The words and the grammar that our small languages share: searches, filters.
        library("Expressions"),
        library("Blobs", ["Loop", "CLinux", "COpenSSL"]),
        library("Outbound", ["Loop", "CCurl"]),
        library("Tar"),
        // Zip archives and the part of YAML that environment files use, as everybody here reads them.
        library("Zip", ["CZlib"]),
        library("YAML"),
        library("OCI", ["Tar", "Outbound", "Blobs", "Protobuf", "Loop", "CZlib"]),
        library("ConnectionPool", ["Loop"]),
        library("Postgres", ["ConnectionPool", "Loop", "CLinux", "CPostgreSQL"]),

        // The trail of every change, on top of the database.
        library("Journal", ["Postgres", "Loop"]),

        // Who may do what alone.
        library("Leases", ["Postgres", "Loop"]),

        // Remote calls on top of them.
        library("RPC", ["HTTP", "Loop", "Protobuf", "CZlib"]),
        library("ServiceKit", ["RPC", "HTTP", "Loop", "Protobuf", "Spelling", "CLinux"]),
        // What services say to each other, and who may say it.
        library("Contracts", ["RPC", "Protobuf"]),
        library("Access", ["Contracts", "ServiceKit", "RPC", "HTTP", "Loop", "Protobuf", "COpenSSL"]),
        // How a model's framework is reached: the contract of its dynamic library, and what hosts one.
        .target(name: "AdapterABI", path: "Shared/AdapterABI"),
        library("AdapterContracts", ["Protobuf"]),
        library("Serving", ["AdapterABI", "AdapterContracts", "Protobuf", "Loop", "Spelling", "CLinux"]),
        program(
            "AdapterCheck", ["Serving", "AdapterContracts", "Protobuf", "Loop"],
            path: "Services/Scorer/AdapterCheck"),
        // Frameworks, each behind that contract in a dynamic library of its own.
        adapter("AdapterMessages", ["CProtobufC"], path: "Messages"),
        adapter("AdapterCommon", ["AdapterMessages", "CProtobufC"], path: "Common"),
        adapter("OnnxRuntimeAdapter", ["AdapterCommon", "AdapterMessages", "CProtobufC"], path: "OnnxRuntime"),
        adapter("AdapterTrees", ["AdapterCommon"], path: "Trees"),
        adapter("XGBoostAdapter", ["AdapterCommon", "AdapterTrees"], path: "XGBoost"),
        adapter("LightGBMAdapter", ["AdapterCommon", "AdapterTrees"], path: "LightGBM"),
        adapter(
            "PythonAdapter", ["AdapterCommon", "AdapterMessages", "CProtobufC"], path: "Python", exclude: ["Worker"]),

        library("InferenceContracts", ["RPC", "Protobuf"]),
        library("Identity", ["Access", "ServiceKit", "Journal", "Postgres", "RPC", "Loop"]),
        library("Secrets", ["Access", "ServiceKit", "Journal", "Postgres", "RPC", "Loop", "COpenSSL"]),
        library("Activities", ["Leases", "Journal", "ServiceKit", "Postgres", "Loop"]),
        library("ActivityService", ["Activities", "Contracts", "RPC", "Protobuf", "Postgres", "Loop"]),
        library("JournalKeeping", ["Journal", "Postgres", "ServiceKit", "Loop"]),
        program("ProtocGenSlipway", ["Protobuf"], path: "Shared/ProtocGenSlipway", exclude: ["Protos"]),

        library(
            "ServiceHost",
            ["Access", "Identity", "Journal", "JournalKeeping", "Postgres", "ServiceKit", "RPC", "HTTP", "Loop"]),

        // What services answer alike: names, pages, refusals, changes in a workspace.
        library(
            "ResourceKit", ["Access", "Journal", "Postgres", "ServiceKit", "RPC", "Protobuf", "Spelling"]),

        // The registry.
        library(
            "RegistryCore",
            [
                "ResourceKit", "Contracts", "Access", "Identity", "Journal", "Blobs", "Postgres", "ServiceKit", "RPC",
                "HTTP", "Protobuf", "Loop", "Spelling", "Expressions", "COpenSSL", "Tar", "ModelFormats",
            ], path: "Services/Registry/Core"),
        program(
            "Registry",
            ["RegistryCore", "ServiceHost", "ServiceKit", "Access", "Blobs", "Contracts", "Identity", "Loop"],
            path: "Services/Registry/Main"),
        library("ModelFormats", ["YAML", "Zip", "CZlib"], path: "Services/Registry/Formats"),

        // The scorer.
        library(
            "ScorerCore",
            [
                "InferenceContracts", "Serving", "Access", "ServiceKit", "RPC", "HTTP", "Protobuf", "Loop", "CLinux",
                "CZlib",
            ],
            path: "Services/Scorer/Core"),
        program(
            "Scorer",
            ["ScorerCore", "Serving", "AdapterContracts", "Access", "ServiceKit", "RPC", "HTTP", "Loop"],
            path: "Services/Scorer/Main"),

        // The deployer.
        library(
            "DeployerTargets", ["OCI", "Tar", "Blobs", "HTTP", "Protobuf", "Loop", "CLinux"],
            path: "Services/Deployer/Targets"),
        // What starts replicas as processes and stays with them: C, since it must be small and of one thread.
        .executableTarget(
            name: "ReplicaLauncher", path: "Services/Deployer/Launcher",
            cSettings: [
                .define("_GNU_SOURCE"), .unsafeFlags(["-std=gnu11", "-Wall", "-Wextra", "-Werror"]),
            ],
            // Swift's driver links; none of its runtime is used, and none is to be loaded.
            linkerSettings: [.unsafeFlags(["-nostartfiles", "-static-stdlib", "-Xlinker", "--as-needed"])]),
        library(
            "DeployerCore",
            [
                "DeployerTargets", "ResourceKit", "Contracts", "Access", "Identity", "Secrets", "Leases", "Journal",
                "Postgres", "ServiceKit", "RPC", "HTTP", "OCI", "Outbound", "Blobs", "Protobuf", "Loop", "COpenSSL",
            ], path: "Services/Deployer/Core"),
        program(
            "Deployer",
            [
                "DeployerCore", "DeployerTargets", "ReplicaLauncher", "ServiceHost", "ServiceKit", "Access", "Blobs",
                "Contracts", "HTTP", "Identity", "Leases", "Postgres", "Secrets", "Loop",
            ], path: "Services/Deployer/Main"),
        library(
            "DeployerRouter", ["Contracts", "Access", "ServiceKit", "RPC", "HTTP", "Protobuf", "Loop"],
            path: "Services/Deployer/Router"),
        library(
            "DeployerRouterSource",
            ["DeployerRouter", "Contracts", "Access", "Postgres", "ServiceKit", "Protobuf", "Loop"],
            path: "Services/Deployer/RouterSource"),
        program(
            "RouterMain",
            [
                "DeployerRouter", "DeployerRouterSource", "ServiceHost", "Secrets", "Postgres", "ServiceKit", "HTTP",
                "Loop",
            ],
            path: "Services/Deployer/RouterMain"),

        // The image builder.
        library(
            "ImageBuilderCore",
            [
                "ResourceKit", "Contracts", "Access", "Identity", "Secrets", "Activities", "ActivityService", "Journal",
                "Postgres", "ServiceKit", "RPC", "HTTP", "OCI", "Outbound", "Tar", "Blobs", "Protobuf", "Loop", "YAML",
                "Zip", "CLinux", "CZlib",
            ], path: "Services/ImageBuilder/Core"),

        program(
            "ImageBuilder",
            [
                "ImageBuilderCore", "ServiceHost", "ServiceKit", "Access", "Activities", "ActivityService", "Blobs",
                "Contracts", "HTTP", "Identity", "Loop", "RPC", "Secrets",
            ], path: "Services/ImageBuilder/Main"),

        // Events.
        library(
            "EventsCore",
            [
                "Contracts", "Access", "Identity", "Secrets", "Activities", "ActivityService", "Leases", "Journal",
                "Postgres", "ServiceKit", "Outbound", "RPC", "HTTP", "Protobuf", "Loop", "Spelling", "Expressions",
                "ResourceKit", "COpenSSL",
            ], path: "Services/Events/Core"),
        program(
            "Events",
            [
                "EventsCore", "ResourceKit", "ServiceHost", "ServiceKit", "Access", "Activities", "ActivityService",
                "Contracts",
                "Identity", "Leases", "Outbound", "Secrets", "Journal", "Postgres", "Loop",
            ], path: "Services/Events/Main"),

        // The command line.
        library("CommandLineKit", ["ServiceKit", "Loop", "Protobuf", "Spelling"], path: "Services/CommandLine/Kit"),
        program(
            "Slipway",
            [
                "CommandLineKit", "Contracts", "Access", "Blobs", "Tar", "ServiceKit", "RPC", "HTTP", "Protobuf",
                "Loop",
            ],
            path: "Services/CommandLine/Main"),

        // What tests share: seeded randomness.
        library("TestKit"),

        // Programs for benchmarks and conformance.
        program("ProtobufTestee", ["Protobuf"], path: "Tests/Programs/ProtobufTestee", exclude: ["Protos"]),
        library("TestContracts", ["RPC", "Protobuf"], path: "Tests/Contracts"),
        library("ProgramKit", path: "Tests/Programs/ProgramKit"),
        program(
            "RPCInteropServer", ["RPC", "TestContracts", "ProgramKit"], path: "Tests/Programs/RPCInteropServer"),
        program(
            "RPCConformanceServer", ["RPC", "TestContracts", "ProgramKit"],
            path: "Tests/Programs/RPCConformanceServer"),
        program(
            "RPCInteropClient", ["RPC", "TestContracts", "ProgramKit"], path: "Tests/Programs/RPCInteropClient"),
        program(
            "RPCConformanceClient", ["RPC", "TestContracts", "ProgramKit"],
            path: "Tests/Programs/RPCConformanceClient"),
        program("BenchProtobuf", ["Protobuf"], path: "Benchmarks/Protobuf/Swift"),
        program("KitService", ["ServiceKit", "RPC", "HTTP", "Loop"], path: "Tests/Programs/KitService"),
        program(
            "ActivityWorker", ["Activities", "Journal", "Leases", "ServiceKit", "Postgres", "Loop"],
            path: "Tests/Programs/ActivityWorker"),
        program(
            "EventDeliverer", ["EventsCore", "Contracts", "Outbound", "ServiceKit", "Protobuf", "Loop"],
            path: "Tests/Programs/EventDeliverer"),
        program(
            "ReplicaStarter", ["DeployerTargets", "OCI", "Blobs", "Loop"], path: "Tests/Programs/ReplicaStarter"),
        program("BlobPutter", ["Blobs", "Loop"], path: "Tests/Programs/BlobPutter"),
        program(
            "ImageMaker", ["ImageBuilderCore", "OCI", "Blobs", "Protobuf", "Loop"], path: "Tests/Programs/ImageMaker"),
        program("BenchTelemetry", ["ServiceKit", "Loop"], path: "Benchmarks/Telemetry/Swift"),
        program("BenchBlobs", ["Blobs", "Loop"], path: "Benchmarks/Blobs/Swift"),
        program("BenchEcho", ["RPC", "ProgramKit"], path: "Benchmarks/Echo/Server"),
        program(
            "BenchRegistryFiles",
            [
                "RegistryCore", "Contracts", "Access", "Identity", "Journal", "Blobs", "Postgres", "ServiceKit", "RPC",
                "HTTP", "Loop",
            ], path: "Benchmarks/Registry/Files"),
        program(
            "BenchModels", ["RegistryCore", "Contracts", "Access", "Identity", "Journal", "Blobs", "Postgres", "Loop"],
            path: "Benchmarks/Registry/Models"),
        program(
            "BenchServing", ["Serving", "AdapterContracts", "Loop"], path: "Benchmarks/Scoring/Core"),
        program(
            "BenchScoringLoad", ["InferenceContracts", "RPC", "HTTP", "Loop", "ProgramKit"],
            path: "Benchmarks/Scoring/Load"),
        program(
            "BenchRouter", ["DeployerRouter", "Contracts", "Access", "ServiceKit", "HTTP", "Protobuf", "Loop"],
            path: "Benchmarks/Router/Program"),
        program("BenchDelivery", ["HTTP", "Outbound", "Loop"], path: "Benchmarks/Events/Delivery"),
        program(
            "BenchEvents", ["Journal", "Postgres", "HTTP", "Loop", "ProgramKit"], path: "Benchmarks/Events/Receiver"),
        program("BenchState", ["Journal", "Postgres", "ConnectionPool", "Loop"], path: "Benchmarks/State/Client"),

        // Tests mirror the folders above.
        tests("LoopTests", ["Loop", "CLinux"]),
        tests("HTTPTests", ["HTTP", "Loop", "CLinux", "TestKit"]),
        .target(name: "ProtobufCSample", dependencies: ["CProtobufC"], path: "Tests/ProtobufCSample"),
        tests("ProtobufTests", ["Protobuf", "CProtobufC", "ProtobufCSample", "TestKit"], exclude: ["Protos"]),
        tests("ConnectionPoolTests", ["ConnectionPool", "Loop"]),
        tests("JournalTests", ["Journal", "Postgres", "Loop", "TestKit"]),
        tests("LeasesTests", ["Leases", "Postgres", "Loop"]),
        tests(
            "ActivitiesTests",
            [
                "Activities", "ActivityService", "Contracts", "Leases", "Journal", "ServiceKit", "RPC", "Postgres",
                "Loop",
            ]),
        tests("JournalKeepingTests", ["JournalKeeping", "Journal", "Postgres", "ServiceKit", "Loop"]),
        tests("PostgresTests", ["Postgres", "ConnectionPool", "Loop"]),
        tests("ServiceKitTests", ["ServiceKit", "KitService", "RPC", "HTTP", "Loop", "Protobuf", "CLinux"]),
        tests("BlobsTests", ["Blobs", "BlobPutter", "Loop", "CLinux"]),
        tests("OutboundTests", ["Outbound", "HTTP", "Loop"]),
        library(
            "ImageShelf", ["ImageBuilderCore", "Contracts", "Access", "Postgres", "OCI", "Tar", "Blobs", "Loop"],
            path: "Tests/ImageShelf"),
        program(
            "DistributionServer",
            [
                "ImageBuilderCore", "ImageShelf", "ServiceHost", "Contracts", "Access", "Identity", "Secrets",
                "Activities", "Postgres", "ServiceKit", "Blobs", "Loop",
            ], path: "Tests/Programs/DistributionServer"),
        tests(
            "ImageBuilderTests",
            [
                "ImageBuilderCore", "ImageShelf", "RegistryCore", "ResourceKit", "Contracts", "Access", "Identity",
                "Secrets", "Activities", "Journal", "Postgres", "ServiceKit", "RPC", "HTTP", "OCI", "Tar", "Outbound",
                "Blobs", "Protobuf", "Loop", "Zip", "TestKit",
            ]),
        tests(
            "DeployerTargetsTests",
            [
                "DeployerTargets", "ReplicaStarter", "ReplicaLauncher", "OCI", "Tar", "Blobs", "HTTP", "Loop", "CLinux",
                "TestKit",
            ]),
        tests("OCITests", ["OCI", "Tar", "Outbound", "Blobs", "Loop", "TestKit"]),
        tests(
            "AccessTests",
            [
                "Access", "Identity", "Secrets", "Contracts", "ServiceKit", "RPC", "HTTP", "Journal", "Postgres",
                "Loop", "Protobuf",
            ], exclude: ["Protos"]),
        tests(
            "DeployerRouterTests",
            [
                "DeployerRouter", "DeployerRouterSource", "Contracts", "Access", "Postgres", "ServiceKit", "RPC",
                "HTTP",
                "Protobuf", "Loop", "CLinux",
            ]),
        tests("RPCTests", ["RPC", "TestContracts"]),
        tests(
            "CommandLineTests",
            ["CommandLineKit", "Slipway", "Contracts", "ServiceKit", "RPC", "HTTP", "Protobuf", "Loop", "Tar"]),
        tests(
            "RegistryTests",
            [
                "RegistryCore", "ResourceKit", "Contracts", "Access", "Identity", "Journal", "Blobs", "Postgres",
                "ServiceKit", "RPC", "HTTP", "Protobuf", "Loop", "Tar", "TestKit",
            ]),
        tests(
            "DeployerTests",
            [
                "DeployerCore", "DeployerTargets", "ResourceKit", "Contracts", "Access", "Identity", "Secrets",
                "Leases",
                "Journal", "Postgres", "ServiceKit", "RPC", "HTTP", "OCI", "Outbound", "Blobs", "Protobuf", "Loop",
                "TestKit",
            ]),
        tests(
            "EventsTests",
            [
                "EventsCore", "ResourceKit", "Contracts", "Access", "Identity", "Secrets", "Activities", "Leases",
                "Journal",
                "Postgres", "ServiceKit", "Outbound", "RPC", "HTTP", "Protobuf", "Loop", "Expressions", "TestKit",
            ]),
        .target(name: "ServingTestAdapter", dependencies: ["AdapterABI"], path: "Tests/ServingTestAdapter"),
        tests(
            "ServingTests",
            ["Serving", "ServingTestAdapter", "AdapterCheck", "AdapterContracts", "Protobuf", "Loop", "TestKit"]),
        library("ScorerFakes", ["Serving", "Loop", "Protobuf"], path: "Tests/ScorerFakes"),
        program(
            "DialectServer",
            [
                "ScorerCore", "ScorerFakes", "InferenceContracts", "Serving", "Access", "ServiceKit", "RPC", "HTTP",
                "Protobuf", "Loop",
            ],
            path: "Tests/Programs/DialectServer"),
        tests(
            "ScorerTests",
            [
                "ScorerCore", "ScorerFakes", "InferenceContracts", "Serving", "Access", "ServiceKit", "RPC", "HTTP",
                "Protobuf",
                "Loop",
                "TestKit", "CZlib",
            ]),
        tests("ModelFormatsTests", ["ModelFormats", "YAML", "TestKit", "CZlib"], exclude: ["Fixtures"]),
    ]
)
