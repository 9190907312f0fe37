internal import YAML

extension YAMLReader {
    /// Reads one document within the limits of a recognition.
    static func read(_ bytes: [UInt8], limits: RecognitionLimits) throws(FormatError) -> YAMLValue {
        do {
            return try read(bytes, depthMax: limits.depthMax, valuesMax: limits.listCountMax)
        } catch let error as YAMLError {
            throw FormatError(FormatError.Code(error.code), error.description)
        } catch {
            throw FormatError(.malformed, "\(error)")
        }
    }
}

extension FormatError.Code {
    fileprivate init(_ code: YAMLError.Code) {
        self =
            switch code {
            case .truncated: .truncated
            case .malformed: .malformed
            case .limit: .limit
            case .unsupported: .unsupported
            }
    }
}
