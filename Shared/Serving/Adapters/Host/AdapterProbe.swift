import AdapterABI

/// What a library's entry gives, without opening the adapter: for checks.
package struct AdapterProbe {
    package var major: Int
    package var minor: Int
    package var size: Int
    /// Optional functions that are not there.
    package var absent: [String]
    /// Whether there is a table for a version that nobody has written yet.
    package var answersOtherMajors: Bool

    package init(path: String) throws(ServingError) {
        let (entry, _) = try DynamicLibrary.entry(of: path)
        answersOtherMajors = entry(UInt32(SLIPWAY_ADAPTER_MAJOR) + 7919) != nil
        guard let table = entry(UInt32(SLIPWAY_ADAPTER_MAJOR)) else {
            throw ServingError(.unsupported, "its entry gives nothing for version \(SLIPWAY_ADAPTER_MAJOR)")
        }
        let functions = try AdapterFunctions(table.assumingMemoryBound(to: slipway_adapter.self))
        size = Int(table.load(as: UInt32.self))
        major = Int(SLIPWAY_ADAPTER_MAJOR)
        minor = Int(functions.minor)
        let optional: [(name: String, isThere: Bool)] = [
            ("recognise", functions.recognise != nil), ("estimate", functions.estimate != nil),
            ("create_instance", functions.createInstance != nil), ("cancel", functions.cancel != nil),
            ("metrics", functions.metrics != nil),
        ]
        absent = optional.filter { !$0.isThere }.map(\.name)
    }
}
