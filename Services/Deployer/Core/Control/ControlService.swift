package import Loop
package import Postgres
internal import ServiceKit

/// Runs control: beside any number of others, on this machine or elsewhere.
package final class ControlService: Service {
    package let serviceName = "control"
    let controller: Controller

    /// - Parameters:
    ///   - holder: names the instance, for people.
    ///   - loop: where all of it runs.
    package init(_ pool: PostgresPool, _ parts: ControlParts, holder: String, loop: EventLoop) {
        controller = Controller(pool, parts, holder: holder, loop: loop)
    }

    init(_ controller: Controller) { self.controller = controller }

    /// Returns when it is asked to stop. What is under way is left as it is: whoever comes next goes on there.
    package func run() async throws {
        StopSignal.started()
        let controller = controller
        let outcome: Result<Void, any Error>
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await StopSignal.wait() }
                group.addTask { try await controller.listen() }
                group.addTask { try await controller.tend() }
                group.addTask { try await controller.probe() }
                defer { group.cancelAll() }
                try await group.next()
            }
            outcome = .success(())
        } catch {
            outcome = .failure(error)
        }
        await Task { await controller.stop() }.value
        try outcome.get()
    }
}
