import AdapterABI

/// An instance of a model of an adapter; without instances of its own the adapter gets NULL for it.
final class AdapterInstance: ServableInstance, @unchecked Sendable {
    let model: AdapterModel
    /// Nothing for adapters without instances.
    let pointer: OpaquePointer?
    let records: ExecutionRecords

    init(_ model: AdapterModel, pointer: OpaquePointer?) {
        self.model = model
        self.pointer = pointer
        records = ExecutionRecords(host: model.library.host)
    }

    // Executions under way hold their instance, and it its model: the order of the contract holds by itself.
    deinit {
        guard let destroy = model.library.functions.destroyInstance else { return }
        AdapterCallback.release(destroy, pointer, keeping: model)
    }

    func execute(
        _ execution: ModelExecution, completion: @escaping @Sendable (Result<[Tensor], ServingError>) -> Void
    ) -> (any PendingExecution)? {
        do {
            try check(execution)
        } catch {
            completion(.failure(error))
            return nil
        }
        let record = records.take()
        let ticket = record.begin(execution, on: self, completion: completion)
        var pending: Int32 = 0
        let status = model.library.functions.execute(model.pointer, pointer, record.execution, &pending)
        let failure = status == nil ? nil : model.library.host.take(status)
        guard record.returned(failure, isPending: pending != 0) else { return nil }
        return AdapterExecutionHandle(record: record, ticket: ticket, instance: self)
    }

    /// What the contract promises adapters of every execution.
    private func check(_ execution: borrowing ModelExecution) throws(ServingError) {
        for index in execution.inputs.indices { try execution.inputs[index].checkContents() }
        let signature = model.signature
        guard !signature.outputs.isEmpty else { return }
        for name in execution.outputs where signature.outputPlace(name) == nil {
            let names = signature.outputs.map { "\"\($0.name)\"" }.joined(separator: ", ")
            throw ServingError(.invalidInput, "the model has no output \"\(name)\"; it has \(names)")
        }
    }
}

/// Means one execution; once that has ended it does nothing.
final class AdapterExecutionHandle: PendingExecution {
    private let record: ExecutionRecord
    private let ticket: UInt64
    /// Keeps the record's pool, and with it the adapter.
    private let instance: AdapterInstance

    init(record: ExecutionRecord, ticket: UInt64, instance: AdapterInstance) {
        self.record = record
        self.ticket = ticket
        self.instance = instance
    }

    func cancel() { record.cancel(ticket) }
}
