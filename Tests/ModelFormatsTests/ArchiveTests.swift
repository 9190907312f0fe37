import CZlib
import Testing

@testable import ModelFormats

@Suite("Archives")
struct ArchiveTests {
    private let harmful = Pickle().global("os", "system").stop.bytes

    @Test("a deflated pickle in an archive of torch is scanned")
    func deflated() throws {
        let archive = Zip.archive([Zip.Entry(name: "m/data.pkl", content: deflate(harmful), method: 8)])
        let model = try recognise(["m.pt": archive])
        #expect(model.format == .torchStateDict)
        #expect(model.dangerous == ["os.system"])
        #expect(model.warnings.first?.path == "m.pt!m/data.pkl")
    }

    @Test("an archive that unfolds to gigabytes is followed up to the limit and no further")
    func bomb() throws {
        let zeros = Pickle.four.raw([UInt8](repeating: 0x4e, count: 3_000_000)).bytes
        let folded = deflate(zeros)
        #expect(folded.count < 10_000)
        var limits = RecognitionLimits()
        limits.fileBytesMax = 100_000
        let archive = Zip.archive([Zip.Entry(name: "m/data.pkl", content: folded, method: 8)])
        #expect(try recognise(["m.pt": archive], limits: limits).codes == [.scanIncomplete])
    }

    @Test("an entry longer than the archive is named and not read")
    func lyingSize() throws {
        let entry = Zip.Entry(name: "m/data.pkl", content: harmful, claimedSize: 1000)
        #expect(try recognise(["m.pt": Zip.archive([entry])]).codes == [.malformed, .nameMismatch])
        let small = Zip.Entry(name: "m/data.pkl", content: harmful, claimedSize: 60)
        #expect(try recognise(["m.pt": Zip.archive([small])]).codes.isSubset(of: [.trailingBytes, .dangerousImport]))
    }

    @Test("two entries of one name are both scanned and warned of")
    func doubles() throws {
        let harmless = Pickle.four.opcode("N").stop.bytes
        let archive = Zip.archive([
            Zip.Entry(name: "m/data.pkl", content: harmless), Zip.Entry(name: "m/data.pkl", content: harmful),
        ])
        let model = try recognise(["m.pt": archive])
        #expect(model.dangerous == ["os.system"])
        #expect(model.codes.contains(.duplicateEntry))
    }

    @Test("an entry that cannot be unfolded leaves the scan incomplete")
    func unknownMethod() throws {
        let archive = Zip.archive([Zip.Entry(name: "m/data.pkl", content: harmful, method: 93)])
        #expect(try recognise(["m.pt": archive]).codes == [.scanIncomplete])
    }

    @Test("every prefix of a real archive is refused or described without a crash")
    func truncated() throws {
        let whole = try Fixture.bytes("state.pt")
        for count in stride(from: 0, to: whole.count, by: 13) {
            #expect(try recognise(["m.pt": Array(whole[..<count])]).format == .unknown)
        }
    }

    @Test("an archive of Keras gives the version of Keras")
    func keras() throws {
        let archive = Zip.archive([
            Zip.Entry(name: "config.json", content: Array("{}".utf8)),
            Zip.Entry(name: "metadata.json", content: Array(#"{"keras_version": "3.9.0"}"#.utf8)),
        ])
        let model = try recognise(["m.keras": archive])
        #expect(model.format == .keras)
        #expect(model.frameworkVersion == "3.9.0")
    }

    private func deflate(_ bytes: [UInt8]) -> [UInt8] {
        var size = compressBound(UInt(bytes.count))
        var folded = [UInt8](repeating: 0, count: Int(size))
        compress(&folded, &size, bytes, UInt(bytes.count))
        // Two bytes of header in front and a checksum behind belong to zlib and not to the stream.
        return Array(folded[2..<Int(size) - 4])
    }
}
