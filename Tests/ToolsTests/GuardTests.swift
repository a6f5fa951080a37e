// What the guard leaves behind: nothing.

import Dispatch
import Foundation
import Glibc
import PulserIR
import Subprocess
import SystemPackage
import TestKit
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
        let orphan = try #require(Int32(try await self.fixture.lines.rest(after: "orphan ")))
        #expect(!isAlive(orphan))
        let daemon = try #require(Int32(try await self.fixture.lines.rest(after: "daemon ")))
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

    @Test("a guard killed with SIGKILL takes its program and the grandchildren with it")
    func guardDeath() async throws {
        async let result = self.box.perform(
            .shell(.script(Self.family)),
            in: self.fixture.context()
        )
        let family = try await self.readFamily()
        kill(family.guardProcess, SIGKILL)
        let failure: ToolFailure?
        do {
            let ended = try await result
            failure = ended.failure
            #expect(ended.value["exit"] == .integer(137))
        } catch let unstarted as ToolFailure {
            // Killed before it had said that the program runs.
            failure = unstarted
        }
        #expect(
            failure?.message
                == "the program's guard was killed by signal 9; the program was too"
        )
        for process in family.processes { #expect(await isGone(process)) }
    }

    @Test("the kernel ends the program with its guard, without any help of a node")
    func deathSignal() async throws {
        let guardPath = try #require(Self.guardPath)
        // The end of `out` comes when its last writer, the program, is gone.
        let script = """
            mkfifo line out
            '\(guardPath)' -- sh -c 'echo up; exec sleep 300' < line > out & guard=$!
            exec 9> line 8< out; read -r up <&8; kill -9 $guard; cat <&8; echo "$up, ended"
            """
        let result = try await self.box.perform(
            .shell(.script(script)),
            in: self.fixture.context(seconds: 60)
        )
        #expect(result.failure == nil)
        #expect(result.value["output"] == .string("up, ended"))
    }

    @Test("a stopped guard cannot keep a cancelled program alive")
    func stuckGuard() async throws {
        let box = Fixture.toolBox(guardMargin: .milliseconds(200))
        let context = self.fixture.context()
        // SAFETY: cancelled and awaited below.
        let work = Task { try await box.perform(.shell(.script(Self.family)), in: context) }
        let family = try await self.readFamily()
        kill(family.guardProcess, SIGSTOP)
        work.cancel()
        let failure = await #expect(throws: ToolFailure.self) { try await work.value }
        #expect(failure?.isCancelled == true)
        for process in family.processes + [family.guardProcess] {
            let isGone = await isGone(process)
            let stat = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8)
            #expect(isGone, "\(family): \(stat ?? "")")
        }
    }

    @Test("a guard that is stopped before it says that the program runs cannot keep it alive")
    func stuckBefore() async throws {
        // What the child has said of itself is all that the node knows.
        let script = """
            #!/bin/sh
            setsid sleep 300 &
            echo "child $! $(cut -d ' ' -f 22 /proc/$!/stat)" >&0
            echo $! > "$0.draft" && mv "$0.draft" "$0.child"
            exec sleep 600
            """
        try self.fixture.write(script, to: "guard")
        let path = self.fixture.workspace + "/guard"
        chmod(path, 0o755)
        let box = Fixture.toolBox(guardPath: path, guardMargin: .milliseconds(200))
        let context = self.fixture.context()
        // SAFETY: cancelled and awaited below.
        let work = Task { try await box.perform(.shell(.script("true")), in: context) }
        try await eventually("the child runs") { access(path + ".child", R_OK) == 0 }
        let text = try String(contentsOfFile: path + ".child", encoding: .utf8)
        let child = try #require(Int32(text.filter(\.isNumber)))
        #expect(isAlive(child))
        work.cancel()
        _ = await #expect(throws: ToolFailure.self) { try await work.value }
        #expect(await isGone(child))
    }

    @Test("a guard that never starts the program ends at the deadline")
    func silentGuard() async throws {
        try self.fixture.write("#!/bin/sh\nexec sleep 600\n", to: "guard")
        let path = self.fixture.workspace + "/guard"
        chmod(path, 0o755)
        let box = Fixture.toolBox(guardPath: path, guardMargin: .milliseconds(200))
        await #expect(throws: ToolFailure(.timeout, "the program did not start in time")) {
            try await box.perform(.shell(.script("true")), in: self.fixture.context(seconds: 1))
        }
    }

    @Test("a process that got the number of a dead program later is left alone")
    func reusedNumber() async throws {
        let process = try await self.box.startBackground(
            .script("echo up; exec sleep 500"),
            in: self.fixture.context()
        )
        _ = try await self.fixture.lines.rest(after: "up")
        let other = try #require(GuardedProgram(pid: process.pid, startTime: 1))
        #expect(other.killEverything())
        #expect(isAlive(process.pid))
        await process.stop()
        for number: Int32 in [-1, 0, 1, getpgrp()] {
            #expect(GuardedProgram(pid: number, startTime: 1) == nil)
        }
    }

    @Test("a node without a free descriptor does not take a program for gone")
    func noDescriptors() async {
        // In a process of its own, where nobody else needs any.
        await #expect(processExitsWith: .success) {
            let box = Fixture.toolBox()
            let fixture = try Fixture()
            let process = try await box.startBackground(
                .script("exec sleep 500"),
                in: fixture.context()
            )
            let start = try #require(GuardTests.startTime(of: process.pid))
            let program = try #require(GuardedProgram(pid: process.pid, startTime: start))
            var limit = rlimit(rlim_cur: 3, rlim_max: 3)
            var before = rlimit()
            getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &before)
            limit.rlim_max = before.rlim_max
            setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
            #expect(!program.killEverything())
            #expect(isAlive(process.pid))
            setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &before)
            #expect(program.killEverything())
            await process.stop()
        }
    }

    private static func startTime(of process: Int32) -> UInt64? {
        let stat = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8)
        return stat?.split(separator: ")").last?.split(separator: " ").dropFirst(19).first
            .flatMap { UInt64($0) }
    }

    @Test("200 runs leave no descriptor open, and their cost is printed")
    func descriptors() async throws {
        // In a process of its own, where nobody else opens any.
        let result = await #expect(
            processExitsWith: .success,
            observing: [\.standardOutputContent]
        ) {
            let box = Fixture.toolBox()
            let fixture = try Fixture()
            let action = Action.shell(ShellAction(argv: [.literal(.string("true"))]))
            let context = fixture.context(seconds: 300)
            for _ in 0..<5 { _ = try await box.perform(action, in: context) }
            let before = GuardTests.descriptorCount
            let elapsed = try await ContinuousClock().measure {
                for _ in 0..<200 { _ = try await box.perform(action, in: context) }
            }
            print("200 guarded runs of true: \(elapsed / 200) each")
            // A descriptor is closed a moment after the run that it belonged to.
            let deadline = ContinuousClock.now + .seconds(10)
            while GuardTests.descriptorCount > before, .now < deadline { await Task.yield() }
            // Of the first runs some may still have been open.
            #expect(GuardTests.descriptorCount <= before)
        }
        print(String(decoding: result?.standardOutputContent ?? [], as: UTF8.self))
    }

    /// A program that ignores SIGTERM, with a child and a grandchild.
    private static let family = """
        echo "guard $PPID"; echo "program $$"
        sh -c 'sleep 500 & echo "grandchild $!"; echo "child $$"; wait' &
        trap '' TERM; wait
        """

    private func readFamily() async throws -> (guardProcess: Int32, processes: [Int32]) {
        var numbers: [Int32] = []
        for name in ["guard", "program", "child", "grandchild"] {
            let number = try await self.fixture.lines.rest(after: "\(name) ")
            numbers.append(try #require(Int32(number)))
        }
        return (numbers[0], Array(numbers[1...]))
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

    fileprivate static var descriptorCount: Int {
        (0..<4_096).count { fcntl(Int32($0), F_GETFD) >= 0 }
    }
}
