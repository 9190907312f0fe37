import DeployerTargets
import OCI
import Tar
import Testing

extension ConformanceCase {
    /// Images as several layers, and which of them are kept.
    static let images = [
        ConformanceCase("upper layers replace, add to and take away from those below") { bench in
            func text(_ text: String) -> LayerContents.Source { .bytes(Array(text.utf8)) }
            var lower = LayerContents()
            let program = try SmallReplica.program.get()
            try lower.add(TarEntry(path: "bin/replica", mode: 0o755, size: Int64(program.count)), from: .bytes(program))
            try lower.add(TarEntry(path: "tmp", kind: .folder, mode: 0o1777))
            for name in ["work/kept", "work/replaced", "work/taken", "emptied/old"] {
                try lower.add(TarEntry(path: name, size: 3), from: text("low"))
            }
            var upper = LayerContents()
            for name in ["work/replaced", "work/added", "emptied/new"] {
                try upper.add(TarEntry(path: name, size: 2), from: text("up"))
            }
            try upper.add(TarEntry(path: "work/.wh.taken"), from: text(""))
            try upper.add(TarEntry(path: "emptied/.wh..wh..opq"), from: text(""))
            try upper.add(TarEntry(path: "work/soft", kind: .symbolicLink(to: "added")))
            let image = try await bench.images.image([
                try await bench.images.layer(lower), try await bench.images.layer(upper),
            ])
            let visitor = try await bench.serving(bench.order(image))
            let absent = "(No such file or directory)"
            for (path, expected) in [
                ("work/kept", "low"), ("work/replaced", "up"), ("work/taken", absent), ("work/added", "up"),
                ("work/soft", "up"), ("work/.wh.taken", absent), ("emptied/old", absent), ("emptied/new", "up"),
            ] {
                #expect(try visitor.get("/read/\(path)") == expected, "\(path)")
            }
        },
        ConformanceCase("images that nobody keeps go, except those that replicas run") { bench in
            let used = try await bench.images.small()
            let order = try await bench.order(used)
            let visitor = try await bench.serving(order)
            let unused = try await bench.images.small { $0.labels = ["unused": "yes"] }
            try await bench.target.prepare(unused) { _ in }
            try await bench.target.keepImages([])
            #expect(try visitor.get("/read/work/greeting") == "hello from the image")
            // And can be brought again.
            let again = try await bench.order(unused)
            _ = try await bench.serving(again)
            try await bench.target.keepImages([unused.digest])
            _ = try await bench.serving(bench.order(used))
        },
    ]
}
