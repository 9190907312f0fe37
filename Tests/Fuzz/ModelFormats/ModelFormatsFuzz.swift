@testable import ModelFormats

/// Any bytes are described within the limits, under a name that says nothing, as a pickle and as an `MLmodel`.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzModelFormats(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    var limits = RecognitionLimits()
    limits.fileBytesMax = 1 << 20
    limits.headerBytesMax = 1 << 20
    limits.listCountMax = 1000
    limits.pickleValuesMax = 10_000
    for name in ["model", "model.pkl", "model.onnx", "MLmodel", "conda.yaml"] {
        let files = CountingFiles(name: name, bytes: bytes)
        guard let description = try? ModelRecognizer.recognise(files, limits: limits) else {
            fatalError("reading from memory does not fail")
        }
        guard files.bytesRead <= limits.totalBytesMax, description.warnings.count <= limits.warningsMax + 1 else {
            fatalError("a limit does not hold")
        }
    }
    scan(UBJScanner(ByteCursor(bytes), limits: limits))
    scan(JSONScanner(ByteCursor(bytes), limits: limits))
    return 0
}

private func scan(_ scanner: some DocumentScanner) { try? scanner.skip() }

private final class CountingFiles: ModelFiles {
    let paths: [String]
    private let bytes: [UInt8]
    private(set) var bytesRead = 0

    init(name: String, bytes: [UInt8]) {
        paths = [name]
        self.bytes = bytes
    }

    func size(of path: String) -> Int { bytes.count }

    func read(_ path: String, at offset: Int, count: Int) -> [UInt8] {
        guard offset >= 0, count >= 0, offset + count <= bytes.count else { fatalError("a read leaves the file") }
        bytesRead += count
        return Array(bytes[offset..<offset + count])
    }
}
