import HTTP

/// A process or container that answers, as one table names it.
final class Replica: Sendable {
    let id: String
    let address: ResolvedAddress
    /// What the router says to it of itself; nil where it asks for nothing.
    let authorization: String?
    let memory: ReplicaMemory

    init(id: String, address: ResolvedAddress, authorization: String?, memory: ReplicaMemory) {
        self.id = id
        self.address = address
        self.authorization = authorization
        self.memory = memory
    }
}

/// A revision as one table names it.
final class Revision: Sendable {
    let number: Int32
    let replicas: [Replica]
    /// Requests that a replica takes at once; zero, any number.
    let concurrency: Int
    let timeout: Duration
    let queueWait: Duration
    let queueLength: Int
    let memory: RevisionMemory

    init(
        number: Int32, replicas: [Replica], concurrency: Int, timeout: Duration, queueWait: Duration, queueLength: Int,
        memory: RevisionMemory
    ) {
        self.number = number
        self.replicas = replicas
        self.concurrency = concurrency
        self.timeout = timeout
        self.queueWait = queueWait
        self.queueLength = queueLength
        self.memory = memory
    }
}
