import Glibc

/// What the process itself costs, under the names that Prometheus's own clients use.
public enum ProcessMetrics {
    /// Adds them; each is read when somebody looks.
    public static func register(in registry: MetricsRegistry, build: BuildInformation) {
        let started = Double(LogTime.now) / 1e9
        registry.gauge("process_start_time_seconds", "When the process started, in seconds since 1970.") { started }
        registry.counter("process_cpu_seconds_total", "Processor time used by all threads.") {
            var usage = rusage()
            getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
            return seconds(usage.ru_utime) + seconds(usage.ru_stime)
        }
        registry.gauge("process_resident_memory_bytes", "Memory that is in the machine's memory.") {
            Double(residentPages) * Double(sysconf(Int32(_SC_PAGESIZE)))
        }
        registry.gauge("process_open_fds", "Open descriptors.") { Double(openDescriptors) }
        registry.gauges(
            "slipway_build_info", "Always 1; what was built is in the labels.",
            labels: ["service", "version", "revision"]
        ).with(build.service, build.version, build.revision).set(1)
    }

    private static func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }

    private static var residentPages: Int {
        guard let text = try? TextFile.read("/proc/self/statm") else { return 0 }
        return text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
    }

    private static var openDescriptors: Int {
        guard let folder = opendir("/proc/self/fd") else { return 0 }
        defer { closedir(folder) }
        var count = 0
        while readdir(folder) != nil { count += 1 }
        // Not counted: ".", ".." and the folder itself.
        return max(0, count - 3)
    }
}

/// What runs here.
public struct BuildInformation: Sendable, Equatable {
    public var service: String
    public var version: String
    /// The commit, where the build knew it.
    public var revision: String

    public init(service: String, version: String, revision: String = "unknown") {
        self.service = service
        self.version = version
        self.revision = revision
    }

    var json: String {
        "{\"service\":\(JSONText.quoted(service)),\"version\":\(JSONText.quoted(version)),\"revision\":\(JSONText.quoted(revision))}"
    }
}
