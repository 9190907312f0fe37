import CPostgreSQL
import Loop

extension PostgresChannel {
    /// Reads that one sync confirms: more would make the first wait for the last.
    private static let groupMax = 32

    /// Sends what may be sent now. Alone on the connection: whoever needs it; nobody while a cancel is under way, because
    /// it would hit the next one.
    func sendQueued() {
        guard !isCancelInFlight else { return }
        var group = 0
        while let next = queue.first, !isClosed, steps.count < configuration.pipelineDepthMax * 2 {
            if case .exclusive? = steps.first { break }
            if next.isExclusive {
                guard steps.isEmpty, answered.isEmpty, group == 0 else { break }
                queue.popFirst()
                sendExclusive(next)
                return
            }
            queue.popFirst()
            guard send(next) else { return }
            group += 1
            let isJoined = next.sharesSync && !next.isIsolated && group < PostgresChannel.groupMax
            if isJoined, let following = queue.first, following.sharesSync, !following.isIsolated { continue }
            guard sync() else { return }
            group = 0
        }
        if group > 0 { _ = sync() }
    }

    private func sync() -> Bool {
        guard PQpipelineSync(pointer) == 1 else {
            lost()
            return false
        }
        steps.append(.sync)
        return true
    }

    private func send(_ operation: Operation) -> Bool {
        guard operation.query.binds.count <= 65_535 else {
            operation.finish(.failure(PostgresError(.usage, "more than 65535 values", sql: operation.query.sql)))
            return true
        }
        guard isPipelining || PQenterPipelineMode(pointer) == 1 else {
            giveUp(operation)
            return false
        }
        isPipelining = true
        operation.state = .sent
        var isSent = true
        if isRowWise {
            // libpq would give this one's rows one at a time, too: it takes that back only behind a statement.
            isRowWise = false
            isSent = PQsendQueryParams(pointer, "", 0, nil, nil, nil, nil, 1) == 1
            steps.append(.preamble(operation))
        }
        if let preamble = operation.preamble {
            isSent = isSent && PQsendQueryParams(pointer, preamble, 0, nil, nil, nil, nil, 1) == 1
            steps.append(.preamble(operation))
        }
        let isPrepared = configuration.preparedStatementsMax > 0 && !operation.query.isPlannedForValues
        switch operation.form {
        // Once it failed for its statement, it no longer depends on one that others prepare.
        case .prepared where isPrepared && !operation.wasPreparedAgain:
            isSent = isSent && sendPrepared(operation)
        default:
            isSent = isSent && sendOnce(operation)
            steps.append(.execute(operation))
        }
        if !isSent { lost() }
        return isSent
    }

    private func sendPrepared(_ operation: Operation) -> Bool {
        let name: String
        switch cache.lookup(operation.query) {
        case .hit(let known): name = known
        case .miss(let new, let evicted):
            name = new
            if let evicted {
                guard PQsendQueryParams(pointer, "DEALLOCATE \(evicted)", 0, nil, nil, nil, nil, 1) == 1 else {
                    return false
                }
                steps.append(.deallocate(operation))
            }
            let types = operation.query.binds.entries.map(\.type.oid)
            let count = Int32(types.count)
            guard PQsendPrepare(pointer, new, operation.query.sql, count, types) == 1 else { return false }
            steps.append(.prepare(operation))
        }
        operation.statement = name
        steps.append(.execute(operation))
        return operation.query.binds.withPointers { values, lengths, formats, count in
            PQsendQueryPrepared(pointer, name, count, values, lengths, formats, 1) == 1
        }
    }

    private func sendOnce(_ operation: Operation) -> Bool {
        let types = operation.query.binds.entries.map(\.type.oid)
        return operation.query.binds.withPointers { values, lengths, formats, count in
            PQsendQueryParams(pointer, operation.query.sql, count, types, values, lengths, formats, 1) == 1
        }
    }

    private func sendExclusive(_ operation: Operation) {
        if isPipelining {
            guard PQexitPipelineMode(pointer) == 1 else { return giveUp(operation) }
            isPipelining = false
        }
        operation.state = .sent
        steps.append(.exclusive(operation))
        let isSent: Bool
        isRowWise = false
        if case .stream(let buffer) = operation.form {
            isRowWise = true
            isSent = sendOnce(operation) && PQsetSingleRowMode(pointer) == 1
            buffer.attach(self)
        } else {
            isSent = PQsendQuery(pointer, operation.query.sql) == 1
        }
        if !isSent { lost() }
    }

    /// libpq refused before anything was sent: the connection is of no more use.
    private func giveUp(_ operation: Operation) {
        operation.finish(.failure(PostgresError(.connection, "the connection broke", sql: operation.query.sql)))
        lost()
    }
}

extension PostgresBinds {
    /// The values as libpq takes them, all in binary form. Valid during `body` only.
    func withPointers<Result>(
        _ body: (
            UnsafePointer<UnsafePointer<CChar>?>?, UnsafePointer<Int32>?, UnsafePointer<Int32>?, Int32
        ) -> Result
    ) -> Result {
        let count = entries.count
        guard count > 0 else { return body(nil, nil, nil, 0) }
        return bytes.withUnsafeBytes { bytes in
            withUnsafeTemporaryAllocation(of: UnsafePointer<CChar>?.self, capacity: count) { values in
                withUnsafeTemporaryAllocation(of: Int32.self, capacity: count * 2) { numbers in
                    for (index, entry) in entries.enumerated() {
                        var value: UnsafePointer<CChar>?
                        // An empty value is not null; any address will do for it.
                        if entry.length == 0 {
                            value = PostgresBinds.empty
                        } else if entry.length > 0, let base = bytes.baseAddress {
                            value = (base + entry.start).assumingMemoryBound(to: CChar.self)
                        }
                        values.initializeElement(at: index, to: value)
                        numbers.initializeElement(at: index, to: Int32(truncatingIfNeeded: max(0, entry.length)))
                        numbers.initializeElement(at: count + index, to: 1)
                    }
                    let lengths = UnsafePointer(numbers.baseAddress)
                    return body(UnsafePointer(values.baseAddress), lengths, lengths.map { $0 + count }, Int32(count))
                }
            }
        }
    }

    private nonisolated(unsafe) static let empty: UnsafePointer<CChar> = {
        let pointer = UnsafeMutablePointer<CChar>.allocate(capacity: 1)
        pointer.initialize(to: 0)
        return UnsafePointer(pointer)
    }()
}
