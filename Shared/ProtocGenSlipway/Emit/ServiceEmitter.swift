internal import Protobuf

/// Writes a service's descriptors, protocols and client.
struct ServiceEmitter {
    let service: ServiceProto
    let file: FileEmitter
    let path: [Int32]

    init(_ service: ServiceProto, file: FileEmitter, path: [Int32]) {
        self.service = service
        self.file = file
        self.path = path
    }

    func emitNamespace(into code: inout CodeWriter) throws {}
    func emitExtensions(into code: inout CodeWriter) throws {}
}
