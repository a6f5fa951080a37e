// What the guard leaves behind: nothing.

import Dispatch
import Glibc
import PulserIR
import Subprocess
import SystemPackage
import Testing

@testable import Tools

@Suite("The guard")
struct GuardTests {
    let fixture: Fixture
    let box = Fixture.toolBox()

    init() throws { self.fixture = try Fixture() }

    @Test("kills grandchildren and daemons of a program that ends by itself")
    func daemons() async throws {
        let script = """
            mkfifo ready
            setsid sh -c 'trap "" TERM; echo "daemon $$"; echo > ready; while :; do sleep 100; done' &
            read -r line < ready
            (sleep 200 & echo "orphan $!")
            exit 7
            """
        let result = try await self.box.perform(
            .shell(.script(script)),
            in: self.fixture.context()
        )
        #expect(result.value["exit"] == .integer(7))
        #expect(result.badEnd == .exit)
        let orphan = try #require(Int32(await self.fixture.lines.rest(after: "orphan ")))
        #expect(!isAlive(orphan))
        let daemon = try #require(Int32(await self.fixture.lines.rest(after: "daemon ")))
        #expect(!isAlive(daemon))
    }

    @Test("ends everything when its node is killed with SIGKILL")
    func nodeDeath() async throws {
        // The node of this test is a shell that holds the guard's life-line, a pipe's only writer.
        let guardPath = try #require(Self.guardPath)
        var pipeEnds: [Int32] = [-1, -1]
        #expect(pipe(&pipeEnds) == 0)
        for end in pipeEnds { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        let reader = pipeEnds[0]
        let script = """
            mkfifo line; '\(guardPath)' --grace 200 -- \
            sh -c 'setsid sleep 300 & echo up; exec sleep 300' < line & exec 9> line; echo node; \
            exec 1>&-; while :; do sleep 1 >&- 9>&-; done
            """
        async let node = Subprocess.run(
            .path("/bin/sh"),
            arguments: ["-c", script],
            workingDirectory: FilePath(self.fixture.workspace),
            input: .none,
            output: .fileDescriptor(
                FileDescriptor(rawValue: pipeEnds[1]),
                closeAfterSpawningProcess: true
            ),
            error: .discarded
        ) { execution in
            // Both lines are there: the program runs. Then the node dies.
            let text = await Self.read(reader, untilCount: 8)
            try execution.send(signal: .kill)
            return text
        }
        let result = try await node
        #expect(result.closureResult.contains("up"))
        // The pipe's end comes when the last process that holds it is gone.
        _ = await Self.read(reader, untilCount: .max)
        close(reader)
    }

    @Test("passes on exit codes, signals and what cannot be executed")
    func endings() async throws {
        let context = self.fixture.context()
        let killed = try await self.box.perform(.shell(.script("kill -9 $$")), in: context)
        #expect(killed.value["exit"] == .integer(137))
        #expect(killed.value["signal"] == .string("SIGKILL"))
        let plain = try await self.box.perform(.shell(.script("exit 137")), in: context)
        #expect(plain.value["signal"] == nil)
        await #expect(throws: ToolFailure(.error, "program 'foo' was not found in PATH")) {
            try await self.box.perform(
                .shell(ShellAction(argv: [.literal(.string("foo"))])),
                in: context
            )
        }
        try self.fixture.write("text", to: "plain.txt")
        await #expect(
            throws: ToolFailure(
                .error,
                "program './plain.txt' may not be executed: permission denied"
            )
        ) {
            try await self.box.perform(
                .shell(ShellAction(argv: [.literal(.string("./plain.txt"))])),
                in: context
            )
        }
    }

    @Test("a missing guard is a clear error")
    func missingGuard() async throws {
        let box = Fixture.toolBox(guardPath: "/nowhere/opsroom-guard")
        let failure = await #expect(throws: ToolFailure.self) {
            try await box.perform(.shell(.script("true")), in: self.fixture.context())
        }
        #expect(failure?.message.contains("the guard '/nowhere/opsroom-guard' is missing") == true)
    }

    @Test("200 runs leave no descriptor open, and their cost is printed")
    func descriptors() async throws {
        let action = Action.shell(ShellAction(argv: [.literal(.string("true"))]))
        let context = self.fixture.context(seconds: 300)
        _ = try await self.box.perform(action, in: context)
        let before = Self.descriptorCount
        let clock = ContinuousClock()
        let elapsed = try await clock.measure {
            for _ in 0..<200 { _ = try await self.box.perform(action, in: context) }
        }
        print("200 guarded runs of true: \(elapsed / 200) each")
        // Other tests run beside this one and hold a few of their own.
        #expect(Self.descriptorCount < before + 60)
    }

    private static var guardPath: String? {
        guard let path = realpath("/proc/self/exe", nil) else { return nil }
        defer { free(path) }
        let folder = String(cString: path).split(separator: "/").dropLast().joined(separator: "/")
        return "/\(folder)/opsroom-guard"
    }

    private static func read(_ descriptor: Int32, untilCount limit: Int) async -> String {
        await withCheckedContinuation { continuation in
            DispatchQueue.global().async {
                var text: [UInt8] = []
                var buffer: [UInt8] = Array(repeating: 0, count: 256)
                while text.count < limit {
                    let count = Glibc.read(descriptor, &buffer, buffer.count)
                    guard count > 0 else { break }
                    text += buffer[..<count]
                }
                continuation.resume(returning: String(decoding: text, as: UTF8.self))
            }
        }
    }

    private static var descriptorCount: Int {
        (0..<4_096).count { fcntl(Int32($0), F_GETFD) >= 0 }
    }
}
