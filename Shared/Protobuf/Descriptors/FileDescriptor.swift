/// A proto file that this program was built with: what gRPC reflection tells, and what a ``TypeRegistry`` is made of.
public struct FileDescriptor: Sendable {
    /// The path under which other files import it, as `slipway/models/v1/models.proto`.
    public let name: String
    public let package: String
    /// The paths of the files that it imports.
    public let dependencies: [String]
    /// The full names of its messages, enums, services and methods.
    public let symbols: [String]
    /// Its messages, nested ones included.
    public let messages: [any Message.Type]
    /// The generated descriptors of the imported files.
    private let imports: @Sendable () -> [FileDescriptor]
    private let base64: StaticString

    /// Called by generated code.
    public init(
        name: String, package: String, dependencies: [String], symbols: [String], messages: [any Message.Type],
        imports: @escaping @Sendable () -> [FileDescriptor], base64: StaticString
    ) {
        self.name = name
        self.package = package
        self.dependencies = dependencies
        self.symbols = symbols
        self.messages = messages
        self.imports = imports
        self.base64 = base64
    }

    /// The encoded `google.protobuf.FileDescriptorProto`, without comments. Each call decodes it anew.
    public var serialized: [UInt8] {
        Base64.decode(UnsafeBufferPointer(start: base64.utf8Start, count: base64.utf8CodeUnitCount)) ?? []
    }

    /// This file and every file that it imports, directly or not, imported ones first.
    public var closure: [FileDescriptor] {
        var found: [FileDescriptor] = []
        var names: Set<String> = []
        func visit(_ file: FileDescriptor) {
            guard names.insert(file.name).inserted else { return }
            for imported in file.imports() { visit(imported) }
            found.append(file)
        }
        visit(self)
        return found
    }
}
