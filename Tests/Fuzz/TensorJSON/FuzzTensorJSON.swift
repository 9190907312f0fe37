import Protobuf
import Serving

/// Text is refused with a place inside it, or read as elements that fill their extents and come back when they are written
/// and read again.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzTensorJSON(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    guard let start, count > 0 else { return 0 }
    let text = Array(UnsafeBufferPointer(start: start + 1, count: count - 1))[...]
    let datatype = Datatype.allCases[Int(start[0]) % Datatype.allCases.count]
    checkTree(text)
    guard let read = read(text, datatype) else { return 0 }
    let filled = read.extents.reduce(1, *)
    guard read.count == filled || read.extents.contains(0) else { fatalError("the extents say something else") }
    if let size = datatype.elementBytes, read.contents.count != read.count * size { fatalError("bytes are missing") }
    let tensor = Tensor(name: "", datatype: datatype, shape: [read.count], contents: read.contents)
    var output = JSONOutput()
    output.flat(tensor)
    guard let again = TensorJSONFuzz.read(output.bytes[...], datatype), again.count == read.count else {
        fatalError("what was written can't be read: \(String(decoding: output.bytes, as: UTF8.self))")
    }
    // Texts that are no UTF-8 are repaired when they are written, and there are many kinds of NaN.
    var second = JSONOutput()
    second.flat(Tensor(name: "", datatype: datatype, shape: [again.count], contents: again.contents))
    guard second.bytes == output.bytes else { fatalError("writing again gives something else") }
    return 0
}

enum TensorJSONFuzz {
    static func read(_ text: Bytes, _ datatype: Datatype) -> TensorText? {
        do throws(JSONProblem) {
            return try JSONCursor.read(text) { cursor throws(JSONProblem) in try cursor.tensor(datatype) }
        } catch {
            guard error.offset >= 0, error.offset <= text.count, error.line >= 1, error.column >= 1 else {
                fatalError("a problem outside the text: \(error)")
            }
            return nil
        }
    }
}

private func read(_ text: Bytes, _ datatype: Datatype) -> TensorText? { TensorJSONFuzz.read(text, datatype) }

/// A tree is read wherever a value can be passed over, and comes back as it was written.
private func checkTree(_ text: Bytes) {
    let skipped: Void? = try? JSONCursor.read(text) { cursor throws(JSONProblem) in try cursor.skip() }
    let tree = try? JSONCursor.read(text) { cursor throws(JSONProblem) in try cursor.tree() }
    guard let tree else { return }
    guard skipped != nil else { fatalError("what is read can't be passed over") }
    let written = tree.bytes
    let again = try? JSONCursor.read(written[...]) { cursor throws(JSONProblem) in try cursor.tree() }
    guard again == tree else { fatalError("a tree of our own is refused: \(String(decoding: written, as: UTF8.self))") }
}
