import ImageBuilderCore
import ServiceHost
import ServiceKit

/// Everything that the image builder can be told.
struct BuilderSettings: ConfigurationSection {
    var host = HostSettings(listen: "127.0.0.1:7071")
    var registry = ServicePlace("127.0.0.1:7070")
    var builds = BuildsSettings()
    var sources = SourceLimits()
    var base = BaseSettings()
    var python = PythonPlace()
    var outside = RegistryAccessSettings()
    var distribution = DistributionSettings()
    var keep = CollectionSettings()
    var service = KitSettings()

    static func describe(_ keys: inout ConfigurationKeys<BuilderSettings>) {
        keys.add("host", \.host)
        keys.add("registry", \.registry)
        keys.add("builds", \.builds)
        keys.add("sources", \.sources)
        keys.add("base", \.base)
        keys.add("python", \.python)
        keys.add("outside", \.outside)
        keys.add("distribution", \.distribution)
        keys.add("keep", \.keep)
        keys.add("service", \.service)
    }
}

/// How much is built at once, and of what on this machine.
struct BuildsSettings: ConfigurationSection {
    var atOnce = 2
    var threads = 2
    var lease = Duration.seconds(30)
    var programs = ""
    var frameworks = ""

    static func describe(_ keys: inout ConfigurationKeys<BuildsSettings>) {
        keys.add("at_once", \.atOnce, "how many builds this builder works at")
        keys.add("threads", \.threads, "how many threads write layers")
        keys.add("lease", \.lease, "how long after the death of a builder another one goes on with its builds")
        keys.add("programs", \.programs, "the folder of the scorer and its adapters; none, where this program is")
        keys.add("frameworks", \.frameworks, "the folder with a folder of libraries for each adapter")
    }
}

/// What images may stand on.
struct BaseSettings: ConfigurationSection {
    var layouts = ""
    var bytes = ByteCount.gibibytes(64)

    static func describe(_ keys: inout ConfigurationKeys<BaseSettings>) {
        keys.add("bytes", \.bytes, "the most that a registry's image may have, compressed")
        keys.add("layouts", \.layouts, "the folder below which oci:PATH may name a base; none, it may not")
    }
}

/// Where packages of Python come from.
struct PythonPlace: ConfigurationSection {
    var interpreter = "/usr/bin/python3"
    var index = "https://pypi.org/simple"
    var extraIndexes: [String] = []
    var gpuIndexes: [String] = []
    var links: [String] = []
    var trustedHosts: [String] = []
    var proxy = ""
    var certificates = ""
    var limit = Duration.seconds(900)
    var cache = ByteCount.gibibytes(4)

    static func describe(_ keys: inout ConfigurationKeys<PythonPlace>) {
        keys.add("interpreter", \.interpreter, "resolves packages, and is the Python of images that stand on nothing")
        keys.add("index", \.index, "the index of packages; none takes nothing but links")
        keys.add("extra_indexes", \.extraIndexes, "more of them")
        keys.add("gpu_indexes", \.gpuIndexes, "instead of those where an image computes on a GPU")
        keys.add("links", \.links, "folders and pages with wheels")
        keys.add("trusted_hosts", \.trustedHosts, "hosts that are taken without a certificate that anybody knows")
        keys.add("proxy", \.proxy, "by which the indexes are reached")
        keys.add("certificates", \.certificates, "a file with the certificates of who vouches for them")
        keys.add("limit", \.limit, "how long resolving and fetching may take altogether")
        keys.add("cache", \.cache, "how much of what was fetched is kept for the next time")
    }

    /// - Parameter folder: of the builder's own.
    func settings(folder: String) -> PythonSettings {
        PythonSettings(
            interpreter: interpreter, folder: folder, index: index, extraIndexes: extraIndexes,
            gpuIndexes: gpuIndexes, links: links, trustedHosts: trustedHosts, proxy: proxy,
            certificates: certificates, limit: limit, cacheBytes: Int64(cache.bytes))
    }
}
