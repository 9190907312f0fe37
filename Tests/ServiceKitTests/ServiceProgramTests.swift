import CLinux
import Glibc
import HTTP
import Loop
import Testing

@testable import ServiceKit

@Suite("a whole service as a program")
struct ServiceProgramTests {
    /// The program beside the tests' own.
    static let program: String = {
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = readlink("/proc/self/exe", &buffer, buffer.count)
        let path = String(decoding: buffer.prefix(max(0, count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let folder = CommandLine.arguments.first { $0.hasSuffix(".xctest") } ?? path
        return folder.split(separator: "/").dropLast().map { "/" + $0 }.joined() + "/KitService"
    }()

    /// A running program; both its outputs come through one pipe.
    final class Child {
        let process: pid_t
        private let output: Int32
        private(set) var said = ""

        init(_ arguments: [String], _ variables: [String]) throws {
            var ends: [Int32] = [0, 0]
            // Children started meanwhile must not hold its other end open.
            try #require(pipe2(&ends, O_CLOEXEC) == 0)
            var actions = posix_spawn_file_actions_t()
            posix_spawn_file_actions_init(&actions)
            posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO)
            posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO)
            posix_spawn_file_actions_addclose(&actions, ends[0])
            defer { posix_spawn_file_actions_destroy(&actions) }
            func pointers(_ texts: [String]) -> [UnsafeMutablePointer<CChar>?] { texts.map { strdup($0) } + [nil] }
            let (all, environment) = (pointers([ServiceProgramTests.program] + arguments), pointers(variables))
            defer { for pointer in all + environment { free(pointer) } }
            var process = pid_t()
            let status = posix_spawn(&process, ServiceProgramTests.program, &actions, nil, all, environment)
            close(ends[1])
            try #require(status == 0, "cannot start \(ServiceProgramTests.program)")
            self.process = process
            output = ends[0]
        }

        deinit { close(output) }

        /// Reads until `text` came; false where the output ended before.
        func waitFor(_ text: String) -> Bool {
            while !said.contains(text) {
                var bytes = [UInt8](repeating: 0, count: 4096)
                let count = read(output, &bytes, bytes.count)
                guard count > 0 else { return false }
                said += String(decoding: bytes[..<count], as: UTF8.self)
            }
            return true
        }

        /// Reads the rest and returns the exit code, or minus the signal.
        func end() -> Int32 {
            _ = waitFor("\u{0}never said")
            var status: Int32 = 0
            while waitpid(process, &status, 0) < 0, errno == EINTR {}
            return status & 0x7f == 0 ? status >> 8 & 0xff : -(status & 0x7f)
        }
    }

    @Test("it starts, is ready, answers, stops on SIGTERM, and says none of its secrets")
    func life() async throws {
        let child = try Child(["--service.log_level=debug"], ["KIT_SERVICE_PASSWORD=hunter2-hunter2"])
        #expect(child.waitFor("careless"))
        let start = try #require(child.said.split(separator: "\"address\":\"").dropFirst().first)
        let address = try #require(SocketAddress(String(start.prefix { $0 != "\"" })))
        try await withClient { (_: LoopGroup, client: HTTPClient) async throws -> Void in
            #expect(try await client.get(address, "/readyz").status == 200)
            #expect(try await client.get(address, "/metrics").body.contains("process_open_fds"))
            kill(child.process, SIGTERM)
        }
        #expect(child.end() == 0)
        #expect(child.said.contains("\"message\":\"stopped\"") && child.said.contains("careless: ****"))
        #expect(!child.said.contains("hunter2"))
        #expect(child.said.split(separator: "\n").allSatisfy { $0.hasPrefix("{") && $0.hasSuffix("}") })
    }

    @Test("a part that does not stop is cancelled after its grace, and the program ends")
    func hanging() throws {
        let child = try Child(["--hang", "--service.stop_grace=50ms"], [])
        #expect(child.waitFor("listening"))
        kill(child.process, SIGINT)
        #expect(child.end() == 0)
        #expect(child.said.contains("a part did not stop and is cancelled\",\"name\":\"worker\""))
    }

    @Test("a refused configuration is exit code 2, with every fault")
    func refused() throws {
        let child = try Child(["--adress=x", "--service.stop_grace=soon"], [])
        #expect(child.end() == 2)
        #expect(child.said.contains("flag --adress: unknown; did you mean address?"))
        #expect(child.said.contains("service.stop_grace must be a duration such as 30s"))
    }

    @Test("a part that can't start is exit code 1, with the reason")
    func failing() throws {
        let child = try Child(["--address=203.0.113.1:1"], [])
        #expect(child.end() == 1)
        #expect(child.said.contains("\"level\":\"critical\"") && child.said.contains("203.0.113.1"))
    }

    @Test("--print-config and --help print and end")
    func printing() throws {
        let child = try Child(["--print-config", "--hang"], ["KIT_SERVICE_PASSWORD=hunter2-hunter2"])
        #expect(child.end() == 0)
        #expect(child.said.contains("hang = true  # flag --hang"))
        #expect(child.said.contains("password = \"****\"  # environment KIT_SERVICE_PASSWORD"))
        #expect(child.said.contains("[service]\nlog_level = \"info\"  # default"))
        let help = try Child(["--help"], [])
        #expect(help.end() == 0)
        #expect(help.said.contains("--service.stop_grace  (KIT_SERVICE_SERVICE_STOP_GRACE)"))
    }
}
