import CPostgreSQL
import Loop

extension PostgresChannel {
    /// Takes the results that are complete. After the end of the connection libpq gives what is left without waiting.
    func process(afterEnd: Bool = false) {
        var rounds = 0
        // While a COPY takes data, libpq has nothing to say but that.
        while !isClosed, copying == nil, !isPaused || afterEnd, afterEnd ? rounds < 10_000 : PQisBusy(pointer) == 0 {
            rounds += 1
            if let result = PQgetResult(pointer) {
                take(result)
            } else if !endStep() {
                break
            }
        }
        while !isClosed, let notification = PQnotifies(pointer) {
            notificationHandler?(PostgresNotification(notification.pointee))
            PQfreemem(notification)
        }
    }

    /// A null ends the first step's results, or says that there is nothing more for now.
    private func endStep() -> Bool {
        guard let first = steps.first else { return false }
        switch first {
        case .sync: return false
        case .exclusive(let operation):
            steps.popFirst()
            isStepAnswered = false
            settle(operation)
            loop.markDirty(self)
        case .execute(let operation):
            guard isStepAnswered else { return false }
            steps.popFirst()
            isStepAnswered = false
            answered.append(operation)
        case .preamble, .deallocate, .prepare:
            guard isStepAnswered else { return false }
            steps.popFirst()
            isStepAnswered = false
        }
        cancelNext()
        return true
    }

    private func take(_ result: OpaquePointer) {
        let status = PQresultStatus(result)
        if status == PGRES_PIPELINE_SYNC {
            PQclear(result)
            if case .sync? = steps.first { steps.popFirst() }
            return confirm()
        }
        guard let step = steps.first, let operation = step.operation else { return PQclear(result) }
        isStepAnswered = true
        switch status {
        case PGRES_TUPLES_OK, PGRES_COMMAND_OK, PGRES_EMPTY_QUERY:
            switch step {
            case .execute, .exclusive: operation.result = PostgresResult(result)
            default: PQclear(result)
            }
        case PGRES_SINGLE_TUPLE:
            guard case .stream(let buffer) = operation.form else {
                PQclear(result)
                operation.error = PostgresError(
                    .connection, "rows came one at a time that were asked for together", sql: operation.query.sql)
                return
            }
            buffer.push(PostgresRow(result: PostgresResult(result), index: 0))
            operation.deadline = loop.turnStart.advanced(by: operation.timeout)
        case PGRES_PIPELINE_ABORTED:
            PQclear(result)
            if case .prepare = step { cache.forget(operation.query, name: operation.statement) }
            if operation.error == nil { operation.wasAborted = true }
        case PGRES_COPY_IN where operation.copyBytes != nil:
            PQclear(result)
            copying = CopyFeed(operation: operation)
            loop.markDirty(self)
        case PGRES_COPY_IN, PGRES_COPY_OUT, PGRES_COPY_BOTH:
            PQclear(result)
            operation.finish(.failure(PostgresError(.usage, "COPY can't be used here", sql: operation.query.sql)))
            close(PostgresError(.connection, "the connection was in a COPY"))
        default:
            if case .prepare = step { cache.forget(operation.query, name: operation.statement) }
            if operation.error == nil { operation.error = PostgresError(result: result, sql: operation.query.sql) }
            PQclear(result)
        }
    }

    /// The sync came: everything answered before it stands.
    private func confirm() {
        let confirmed = answered
        answered.removeAll(keepingCapacity: true)
        for operation in confirmed { settle(operation) }
        cancelNext()
        if !queue.isEmpty { loop.markDirty(self) }
    }

    /// Gives an operation its outcome, or another try.
    private func settle(_ operation: Operation) {
        guard operation.state == .sent else { return }
        guard let error = operation.error else {
            if operation.wasAborted { return sendAgain(operation, isolated: true) }
            return conclude(operation, .success(operation.result))
        }
        if error.code == .invalidSQLStatementName {
            cache.forget(operation.query, name: operation.statement)
        } else if error.isStalePlan {
            cache.discard(operation.query, name: operation.statement)
        }
        if error.isStalePlan, !operation.wasPreparedAgain,
            operation.sharesSync
                || (operation.effect != .transactional && PQtransactionStatus(pointer) == PQTRANS_IDLE)
        {
            operation.wasPreparedAgain = true
            return sendAgain(operation, isolated: true)
        }
        guard error.code == .queryCanceled else { return conclude(operation, .failure(error)) }
        if operation.isCancelled { return conclude(operation, .failure(CancellationError())) }
        if operation.isExpired {
            var late = error
            late.kind = .deadlineExceeded
            late.message = "cancelled after \(operation.timeout)"
            return conclude(operation, .failure(late))
        }
        // A cancel meant for the one before.
        if operation.sharesSync, wasCancelSent { return sendAgain(operation, isolated: true) }
        conclude(operation, .failure(error))
    }

    private func sendAgain(_ operation: Operation, isolated: Bool) {
        if operation.isCancelled { return conclude(operation, .failure(CancellationError())) }
        operation.reset()
        operation.isIsolated = operation.isIsolated || isolated
        enqueue(operation)
    }

    func conclude(_ operation: Operation, _ outcome: Result<PostgresResult?, any Error>) {
        if isCancelInFlight, operation.isCancelled || operation.isExpired {
            held.append((operation, outcome))
        } else {
            operation.finish(outcome)
        }
    }

    /// The connection is gone: what was not sent can be sent elsewhere; of the rest, only reads and what belongs to an
    /// unfinished transaction certainly did nothing.
    func failEverything(_ reason: PostgresError) {
        let finished = held
        held = []
        for (operation, outcome) in finished { operation.finish(outcome) }
        var operations = answered
        for step in steps.all {
            if let operation = step.operation, !operations.contains(where: { $0 === operation }) {
                operations.append(operation)
            }
        }
        let waiting = queue.all
        answered = []
        steps.removeAll()
        queue.removeAll()
        // After the server's last word nothing that came later was looked at.
        var wasEnded = false
        for operation in operations {
            let isFatal = operation.error?.isFatal ?? false
            operation.finish(.failure(outcome(operation, reason, wasNotRun: wasEnded || isFatal)))
            wasEnded = wasEnded || isFatal
        }
        for operation in waiting { operation.finish(.failure(outcome(operation, reason, wasNotRun: true))) }
    }

    private func outcome(_ operation: Operation, _ reason: PostgresError, wasNotRun: Bool) -> any Error {
        if let error = operation.error, !error.isFatal, !error.code.rawValue.isEmpty { return error }
        var error = operation.error ?? reason
        error.sql = operation.query.sql
        error.kind = .connection
        let mayHaveHappened = (operation.effect == .write && !wasNotRun) || operation.effect == .commit
        if mayHaveHappened, operation.state == .sent {
            error.kind = .outcomeUnknown
            error.message = "the connection was lost before the answer came: \(error.message)"
            return error
        }
        if operation.isCancelled { return CancellationError() }
        if operation.isExpired {
            error.kind = .deadlineExceeded
            error.message = "no answer within \(operation.timeout)"
        }
        return error
    }
}

extension PostgresError {
    init(result: OpaquePointer, sql: String) {
        func field(_ code: Int32) -> String? { PQresultErrorField(result, code).map { String(cString: $0) } }
        let whole = PQresultErrorMessage(result).map { PostgresConnectionString.trimmed(String(cString: $0)) } ?? ""
        let code = SQLState(field(SLIPWAY_PQ_SQLSTATE) ?? "")
        self.init(
            code.rawValue.isEmpty ? .connection : .server, code: code, field(SLIPWAY_PQ_MESSAGE) ?? whole, sql: sql)
        detail = field(SLIPWAY_PQ_DETAIL)
        hint = field(SLIPWAY_PQ_HINT)
        schema = field(SLIPWAY_PQ_SCHEMA)
        table = field(SLIPWAY_PQ_TABLE)
        column = field(SLIPWAY_PQ_COLUMN)
        context = field(SLIPWAY_PQ_CONTEXT)
        constraint = field(SLIPWAY_PQ_CONSTRAINT)
        position = field(SLIPWAY_PQ_POSITION).flatMap { Int($0) }
        let severity = field(SLIPWAY_PQ_SEVERITY)
        isFatal = severity == "FATAL" || severity == "PANIC"
    }
}
