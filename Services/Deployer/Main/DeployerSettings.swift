import DeployerCore
import ServiceHost
import ServiceKit

/// Everything that the deployer can be told.
struct DeployerSettings: ConfigurationSection {
    var host = HostSettings(listen: "127.0.0.1:7072")
    var registry = ServicePlace("127.0.0.1:7070")
    var images = ServicePlace("127.0.0.1:7071")
    var endpoints = EndpointSettings()
    var limits = LimitSettings()
    var bringing = BringingSettings()
    var local = LocalSettings()
    var service = KitSettings()

    static func describe(_ keys: inout ConfigurationKeys<DeployerSettings>) {
        keys.add("host", \.host)
        keys.add("registry", \.registry)
        keys.add("images", \.images)
        keys.add("endpoints", \.endpoints)
        keys.add("limits", \.limits)
        keys.add("bringing", \.bringing)
        keys.add("local", \.local)
        keys.add("service", \.service)
    }
}

/// Where the routers take requests, as it is told to people.
struct EndpointSettings: ConfigurationSection {
    var plain = "http://127.0.0.1:7080"
    var secure = "https://127.0.0.1:7443"
    var domain = "localhost"

    static func describe(_ keys: inout ConfigurationKeys<EndpointSettings>) {
        keys.add("plain", \.plain, "the routers' address for requests without TLS, as callers see it; may be empty")
        keys.add("secure", \.secure, "the same for requests with TLS")
        keys.add("domain", \.domain, "what follows NAME.WORKSPACE. in the names of hosts")
    }

    var addresses: EndpointAddresses { EndpointAddresses(plain: plain, secure: secure, domain: domain) }
}

/// What deployments may be.
struct LimitSettings: ConfigurationSection {
    var replicas = 100
    var deployments = 10_000
    var tokens = 1000
    var isOpen = false

    static func describe(_ keys: inout ConfigurationKeys<LimitSettings>) {
        keys.add("replicas", \.replicas, "the most replicas of a deployment")
        keys.add("deployments", \.deployments, "the most deployments of a workspace")
        keys.add("tokens", \.tokens, "the most tokens of a deployment that have not ended")
        keys.add("open", \.isOpen, "whether an endpoint may ask nobody for a key")
    }

    var limits: DeployerLimits {
        DeployerLimits(
            replicas: Int32(clamping: max(1, replicas)), deployments: max(1, deployments), allowsOpen: isOpen,
            tokens: max(1, tokens))
    }
}

/// How images come here.
struct BringingSettings: ConfigurationSection {
    var atOnce = 2
    var interval = Duration.seconds(600)
    var age = Duration.seconds(3600)

    static func describe(_ keys: inout ConfigurationKeys<BringingSettings>) {
        keys.add("at_once", \.atOnce, "how many images are brought at once")
        keys.add("interval", \.interval, "how often is looked for what no revision needs")
        keys.add("age", \.age, "what is younger stays, whoever needs it or not")
    }
}

/// The target that everybody may use without having attached it.
struct LocalSettings: ConfigurationSection {
    var isOffered = true
    var launcher = ""

    static func describe(_ keys: inout ConfigurationKeys<LocalSettings>) {
        keys.add("offered", \.isOffered, "whether deployments may run as processes of this machine")
        keys.add("launcher", \.launcher, "the program that starts them; none, replica-launcher beside this program")
    }
}
