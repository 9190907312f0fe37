import ResourceKit
import Contracts
import Glibc
import RPC
import Tar
import Testing

@testable import Blobs
@testable import Postgres
@testable import RegistryCore

@Suite("archives", .timeLimit(.minutes(3))) struct ArchiveTests {
    private func write(_ bytes: [UInt8], to path: String) throws {
        let file = try #require(fopen(path, "w"))
        defer { fclose(file) }
        #expect(fwrite(bytes, 1, bytes.count, file) == bytes.count)
    }

    private func read(_ path: String) throws -> [UInt8] {
        let file = try #require(fopen(path, "r"), "\(path)")
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = fread(&buffer, 1, buffer.count, file)
            guard count > 0 else { return bytes }
            bytes += buffer[..<count]
        }
    }

    /// Paths of every kind that a header holds in another way.
    static let paths: [String] = {
        let folder = String(repeating: "f", count: 60)
        return [
            "MLmodel", "dir/model.pkl", "empty", "with blank", "-dash", "ünïcode/モデル.bin",
            String(repeating: "n", count: 100), String(repeating: "n", count: 101),
            "\(folder)/\(folder)/x", "\(folder)/\(folder)/\(String(repeating: "n", count: 100))",
            String(repeating: "\(folder)/", count: 15) + String(repeating: "n", count: 200), "*", "a=b\"c",
        ]
    }()

    @Test("the real tar finds every file where it was, byte for byte")
    func roundTrip() async throws {
        try await withFiles { harness in
            let sizes = [0, 1, 511, 512, 513, 700_000, 1024, 5, 6, 7, 8, 9, 10]
            let files = zip(ArchiveTests.paths, sizes).map { path, size in
                (path: path, bytes: content(size, seed: UInt64(size)))
            }
            try await harness.register("churn", files)
            var first: [UInt8] = []
            for round in 0..<2 {
                let archive = try await harness.client().downloadArchive(
                    V1.DownloadArchiveRequest(version: "churn/latest")
                ) { responses in
                    var bytes: [UInt8] = []
                    var announced: [String] = []
                    for try await response in responses {
                        if let file = response.file { announced.append(file.path) }
                        bytes += response.data
                    }
                    #expect(Set(announced) == Set(ArchiveTests.paths) && announced.count == files.count)
                    return bytes
                }
                if round == 0 { first = archive }
                #expect(archive == first)
            }
            let found = try await harness.service.downloads.catalogue.version(
                VersionReference("churn/1"), in: harness.fixture.lab)
            let version = try #require(found)
            #expect(try await harness.service.downloads.archive(version).size == Int64(first.count))
            try await withFolder { folder in
                try write(first, to: "\(folder)/archive.tar")
                let outcome = try ChildProcess.run("tar", ["-C", folder, "-xf", "\(folder)/archive.tar"])
                #expect(outcome.status == 0 && outcome.output == "", "\(outcome)")
                for file in files { #expect(try read("\(folder)/\(file.path)") == file.bytes, "\(file.path)") }
            }
        }
    }

    @Test("a file beyond eight gigabytes keeps its size, and the next one is found behind it")
    func large() async throws {
        let size: Int64 = 9 << 30 | 5
        try await withFolder { folder in
            let path = "\(folder)/large.tar"
            let head = TarHeader.bytes(of: TarEntry(path: "weights.bin", size: size))
            try write(head, to: path)
            let next = Int64(head.count) + TarHeader.paddedSize(size)
            #expect(truncate(path, Int(next)) == 0)
            let file = try #require(fopen(path, "a"))
            let tail = TarHeader.bytes(of: TarEntry(path: "next", size: 0)) + TarHeader.end
            #expect(fwrite(tail, 1, tail.count, file) == tail.count)
            fclose(file)
            let outcome = try ChildProcess.run("tar", ["--numeric-owner", "-tvf", path])
            let lines = outcome.output.split(separator: "\n")
            #expect(outcome.status == 0 && lines.count == 2, "\(outcome)")
            #expect(lines.first?.hasSuffix("weights.bin") == true && lines.first?.contains(" \(size) ") == true)
            #expect(lines.last?.hasSuffix("next") == true)
        }
    }

    @Test(
        "a record's length counts its own digits",
        arguments: [1, 85, 86, 87, 88, 89, 90, 91, 984, 985, 986, 987, 988, 989])
    func records(count: Int) {
        let record = TarHeader.record("path", String(repeating: "x", count: count))
        let length = record.prefix { $0 != UInt8(ascii: " ") }
        #expect(Int(String(decoding: length, as: UTF8.self)) == record.count)
    }
}
