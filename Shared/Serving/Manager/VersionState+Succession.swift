extension VersionState {
    /// Where a version may go from here. One that is gone or failed stays so: what is loaded again is another record.
    public var successors: Set<VersionState> {
        switch self {
        case .new: [.loading, .gone]
        case .loading: [.warming, .failed]
        case .warming: [.ready, .failed]
        case .ready: [.quiescing]
        case .quiescing: [.unloading]
        case .unloading: [.gone]
        case .gone, .failed: []
        }
    }
}
