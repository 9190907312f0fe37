/// A version that should be served, as its source and whoever asked for it say.
public struct DesiredVersion: Sendable, Equatable {
    public var name: String
    public var version: Int64
    public var folder: String
    /// The file in the folder; empty where the folder is the model.
    public var file: String
    /// Changes when a file of it changes.
    public var fingerprint: UInt64
    /// Grows when somebody asks for the model explicitly: it is loaded again then, whatever its fingerprint.
    public var demand = 0
    public var configuration: ModelConfiguration
    /// Why its configuration cannot be read; it fails with this.
    public var fault: ServingError?

    public init(
        name: String, version: Int64, folder: String, file: String = "", fingerprint: UInt64 = 0,
        configuration: ModelConfiguration = ModelConfiguration(), fault: ServingError? = nil
    ) {
        self.name = name
        self.version = version
        self.folder = folder
        self.file = file
        self.fingerprint = fingerprint
        self.configuration = configuration
        self.fault = fault
    }
}

/// A version as the manager knows it: what was desired when it was loaded, and what became of it.
struct VersionRecord: Sendable, Equatable {
    /// Rises with each load.
    var number: Int
    var name: String
    var version: Int64
    var fingerprint: UInt64
    var demand: Int
    var state: VersionState
    var reason = ""
    var adapter = ""

    func isOf(_ desired: DesiredVersion) -> Bool {
        name == desired.name && version == desired.version && fingerprint == desired.fingerprint
            && demand == desired.demand
    }
}

/// What the manager does next: a pure function of what is desired and what is there.
enum ServingPolicy {
    enum Step: Equatable, Sendable {
        case load(DesiredVersion)
        /// A ready one; by its number.
        case unload(Int)
        /// One that failed or is gone and of which nobody wants to know any more.
        case forget(Int)
    }

    /// - Parameters:
    ///   - desired: everything that should be served; what is left out is unloaded.
    ///   - records: everything that is known.
    ///   - loadsMax: how many may load at once.
    static func next(desired: [DesiredVersion], records: [VersionRecord], loadsMax: Int) -> Step? {
        for record in records where record.state == .ready && isReplaced(record, desired, records) {
            return .unload(record.number)
        }
        for record in records where isForgotten(record, desired, records) { return .forget(record.number) }
        let loading = records.filter { $0.state == .new || $0.state == .loading || $0.state == .warming }
        guard loading.count < loadsMax else { return nil }
        for version in desired {
            // Gone ones do not count: what was unloaded and is desired again is loaded again.
            let isThere = records.contains { $0.isOf(version) && !$0.state.isLeaving }
            // Two loads of one version at the same time could end in the wrong order.
            let isBusy = loading.contains { $0.name == version.name && $0.version == version.version }
            if !isThere, !isBusy { return .load(version) }
        }
        return nil
    }

    /// Whether a ready one has to go: nobody wants its model, or what is wanted in its place is ready.
    private static func isReplaced(
        _ record: VersionRecord, _ desired: [DesiredVersion], _ records: [VersionRecord]
    ) -> Bool {
        let wanted = desired.filter { $0.name == record.name }
        if wanted.isEmpty { return true }
        let ready = records.filter { $0.state == .ready && $0.name == record.name }
        if ready.contains(where: { $0.version == record.version && $0.number > record.number }) { return true }
        guard !wanted.contains(where: { $0.version == record.version }) else { return false }
        return ready.contains { other in wanted.contains { $0.version == other.version } }
    }

    private static func isForgotten(
        _ record: VersionRecord, _ desired: [DesiredVersion], _ records: [VersionRecord]
    ) -> Bool {
        guard record.state == .failed || record.state == .gone else { return false }
        let isNewest = !records.contains {
            $0.name == record.name && $0.version == record.version && $0.number > record.number
        }
        if !isNewest { return true }
        guard record.state == .failed else { return false }
        return !desired.contains { $0.name == record.name && $0.version == record.version }
    }
}

extension VersionState {
    /// On its way out, or out.
    var isLeaving: Bool { self == .quiescing || self == .unloading || self == .gone }
}
