extension Requirement {
    /// What methods of others' contracts ask, which can't carry our option. A method that is not here is denied.
    static let foreign: [String: Requirement] = [
        // Load balancers and tools ask these before they know anybody; they tell nothing of any workspace.
        "/grpc.health.v1.Health/Check": .anyone,
        "/grpc.health.v1.Health/List": .anyone,
        "/grpc.health.v1.Health/Watch": .anyone,
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo": .anyone,
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo": .anyone,
    ]
}
