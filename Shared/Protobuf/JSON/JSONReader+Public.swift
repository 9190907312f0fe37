extension JSONReader {
    /// Reads a whole JSON text that is no message: `body` takes its value and nothing may follow.
    ///
    /// - Throws: ``ProtobufError`` with the offset, and what `body` throws.
    public static func read<Result>(
        _ bytes: Bytes, options: JSONDecodingOptions = JSONDecodingOptions(),
        _ body: (inout JSONReader) throws -> Result
    ) throws -> Result {
        try bytes.withUnsafeBufferPointer { buffer in
            var reader = JSONReader(buffer, options: options)
            let result = try body(&reader)
            try reader.finish()
            return result
        }
    }
}
