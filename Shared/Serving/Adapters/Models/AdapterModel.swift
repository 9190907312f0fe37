import AdapterABI
import AdapterContracts

/// A model that an adapter has loaded; unloaded with its last reference.
final class AdapterModel: ServableModel, @unchecked Sendable {
    let library: AdapterLibrary
    let pointer: OpaquePointer
    let description: Slipway.Adapter.V1.ModelDescription
    let signature: ModelSignature

    /// Takes the model over; it is unloaded also where this fails.
    init(_ library: AdapterLibrary, pointer: OpaquePointer) throws(ServingError) {
        self.library = library
        self.pointer = pointer
        let functions = library.functions
        do {
            description = try library.host.read(Slipway.Adapter.V1.ModelDescription.self, .loading) { sink in
                functions.describeModel(pointer, sink)
            }
            signature = try ModelSignature(description, inputAlignment: library.inputAlignment)
        } catch {
            functions.unload(pointer)
            throw error
        }
    }

    deinit { AdapterCallback.release(library.functions.unload, pointer, keeping: library) }

    func makeInstance(_ index: Int) throws(ServingError) -> any ServableInstance {
        guard let create = library.functions.createInstance else { return AdapterInstance(self, pointer: nil) }
        let options = Slipway.Adapter.V1.InstanceOptions(index: UInt32(clamping: index)).serialized()
        var made: OpaquePointer?
        let status = slipway_bytes.lend(options) { create(pointer, $0, &made) }
        try library.host.check(status, .loading)
        guard let made else { throw ServingError(.unsupported, "the adapter made an instance that is not there") }
        return AdapterInstance(self, pointer: made)
    }

    func metrics() throws(ServingError) -> [Slipway.Adapter.V1.AdapterMetric] {
        guard let metrics = library.functions.metrics else { return [] }
        return try library.host.read(Slipway.Adapter.V1.AdapterMetrics.self, .executing) { metrics(pointer, $0) }
            .metrics
    }
}
