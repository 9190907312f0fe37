import Glibc
import InferenceContracts

/// Numbers of requests and answers.
enum Numbers {
    static func bytes(_ values: [Double], isDouble: Bool) -> [UInt8] {
        isDouble
            ? values.withUnsafeBytes { Array($0) } : values.map { Float($0) }.withUnsafeBytes { Array($0) }
    }

    static func of(_ bytes: ArraySlice<UInt8>, isDouble: Bool) -> [Double] {
        bytes.withUnsafeBytes { raw in
            isDouble
                ? (0..<(raw.count / 8)).map { raw.loadUnaligned(fromByteOffset: $0 * 8, as: Double.self) }
                : (0..<(raw.count / 4)).map { Double(raw.loadUnaligned(fromByteOffset: $0 * 4, as: Float.self)) }
        }
    }

    /// The first output.
    static func of(_ answer: Inference.ModelInferResponse) throws -> [Double] {
        guard let output = answer.outputs.first else { throw Mismatch("an answer without outputs") }
        if let raw = answer.rawOutputContents.first { return of(raw, isDouble: output.datatype == "FP64") }
        guard let contents = output.contents else { throw Mismatch("an output without contents") }
        return contents.fp64Contents.isEmpty ? contents.fp32Contents.map { Double($0) } : contents.fp64Contents
    }

    /// The numbers behind the last key that holds them, or all of a bare list.
    static func ofJSON(_ body: [UInt8], _ count: Int) throws -> [Double] {
        var numbers: [Double] = []
        let text = String(decoding: body, as: UTF8.self)
        let pieces = text.split { !"0123456789.eE+-".contains($0) }
        for piece in pieces.suffix(count) {
            guard let number = Double(String(piece)) else { throw Mismatch("\(piece) in \(text.prefix(200))") }
            numbers.append(number)
        }
        return numbers
    }

    /// To the sixth digit: a batch's sums may be taken in another order than a row's.
    static func agree(_ said: [Double], _ wanted: [Double]) -> Bool {
        said.count == wanted.count && zip(said, wanted).allSatisfy { abs($0 - $1) <= 1e-5 * max(1, abs($1)) }
    }
}
