/// What the process target can be told.
public struct ProcessSettings: Sendable {
    /// Where images are unpacked and replicas kept. Sockets lie below it, and a socket's path is 107 bytes at most.
    public var folder: String
    /// The program that starts replicas; empty, `replica-launcher` beside this program.
    public var launcher: String
    /// Each of the two files of a replica's log.
    public var logBytes: Int64
    /// What a replica may write below `/tmp`, and as much again below `/dev/shm`.
    public var temporaryBytes: Int64
    /// What an image may unfold to.
    public var imageBytes: Int64
    /// Processes and threads of a replica, where control groups are permitted.
    public var processes: Int
    /// The control group below which replicas get theirs, from the top of the hierarchy.
    public var controlGroup: String
    /// What replicas may take together; zero is what the machine has.
    public var total: ReplicaNeeds

    public init(
        folder: String, launcher: String = "", logBytes: Int64 = 8 << 20, temporaryBytes: Int64 = 256 << 20,
        imageBytes: Int64 = 64 << 30, processes: Int = 4096, controlGroup: String = "slipway",
        total: ReplicaNeeds = ReplicaNeeds()
    ) {
        self.folder = folder
        self.launcher = launcher
        self.logBytes = logBytes
        self.temporaryBytes = temporaryBytes
        self.imageBytes = imageBytes
        self.processes = processes
        self.controlGroup = controlGroup
        self.total = total
    }
}
