import Serving

extension Datatype {
    /// As a request says it.
    /// - Throws: naming the tensor and what there is.
    @inline(__always)
    static func named(_ name: String, of tensor: @autoclosure () -> String) throws(ServingError) -> Datatype {
        // What most models take, without looking at the others.
        if name == "FP32" { return .fp32 }
        if let found = Datatype(name: name) { return found }
        let known = Datatype.allCases.map(\.name).joined(separator: ", ")
        throw ServingError(.invalidInput, "input '\(tensor())' has the datatype '\(name)'; there are \(known)")
    }
}
