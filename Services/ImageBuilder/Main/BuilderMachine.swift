import ImageBuilderCore
import Loop
import ServiceKit

/// What builds take of this machine: the programs that go into images, and threads.
struct BuilderMachine: Sendable {
    let materials: ImageMaterials
    /// Compress layers, and take them apart.
    let layers: ComputePool
    /// Wait for others: an index, a parser, a disk.
    let waiting: ComputePool

    /// The threads run from here on: what is set up next uses them.
    init(_ settings: BuildsSettings) throws {
        var materials = ImageMaterials.beside(settings.programs.isEmpty ? nil : settings.programs)
        if !settings.frameworks.isEmpty { materials.frameworks = settings.frameworks }
        self.materials = materials
        layers = ComputePool(threads: max(1, settings.threads), name: "layers")
        waiting = ComputePool(threads: max(2, settings.atOnce * 2), name: "packages")
        try layers.start()
        try waiting.start()
    }

    /// Ends the threads when nothing is built any more.
    func service(_ outside: RegistryClients) -> any Service {
        ClosureService("threads of builds", startTimeout: .seconds(10)) {
            defer {
                outside.stop()
                layers.stop()
                waiting.stop()
            }
            StopSignal.started()
            try await StopSignal.wait()
        }
    }
}
