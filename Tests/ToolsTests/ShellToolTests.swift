// What a shell action's program gets, and what becomes of its output.

import Glibc
import PulserIR
import Testing

@testable import Tools

@Suite("The shell tool")
struct ShellToolTests {
    let fixture: Fixture
    let box = Fixture.toolBox()

    init() throws { self.fixture = try Fixture() }

    private func run(
        _ script: String,
        _ scope: EvaluationScope = .init()
    ) async throws -> ToolResult {
        try await self.box.perform(.shell(.script(script)), in: self.fixture.context(scope))
    }

    @Test("the environment is clean but for six variables and the action's own")
    func environment() async throws {
        var action = ShellAction(argv: [.literal(.string("env"))])
        action.environment = [
            "TOKEN": try .parse("{{ secrets.TOKEN }}"), "N": .literal(.integer(3)),
        ]
        let scope = EvaluationScope(secrets: ["TOKEN": "hunter2hunter2"])
        _ = try await self.box.perform(.shell(action), in: self.fixture.context(scope))
        let folder = self.fixture.workspace
        let lines = await self.fixture.lines.texts.sorted()
        #expect(
            lines == [
                "HOME=\(folder)", "LANG=C.UTF-8", "N=3", "OPSROOM_RUN=0000test",
                "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                "TMPDIR=\(folder)/tmp", "TOKEN=«secret TOKEN»",
            ]
        )
    }

    @Test("an argument stays one argument, whatever is in it")
    func arguments() async throws {
        let action = ShellAction(
            argv: [
                .literal(.string("printf")), .literal(.string("[%s]")),
                try .parse("{{ inputs.a }}"),
                try .parse("n={{ inputs.n }}"),
            ]
        )
        let scope = EvaluationScope(inputs: [
            "a": .string("x; rm -rf $HOME 'q' \"\n"), "n": .integer(4),
        ])
        let result = try await self.box.perform(.shell(action), in: self.fixture.context(scope))
        #expect(result.value["stdout"] == .string("[x; rm -rf $HOME 'q' \"\n][n=4]"))
    }

    @Test("a secret in argv, directory or stdin is refused")
    func taint() async throws {
        let context = self.fixture.context(EvaluationScope(secrets: ["S": "hunter2"]))
        let secret = try Template.parse("{{ secrets.S }}")
        let cat = Template.literal(.string("cat"))
        for action in [
            ShellAction(argv: [cat, secret]), ShellAction(argv: [cat], directory: secret),
            ShellAction(argv: [cat], stdin: secret),
        ] {
            let failure = await #expect(throws: ToolFailure.self) {
                try await self.box.perform(.shell(action), in: context)
            }
            #expect(failure?.message.contains("may not hold a secret") == true)
        }
    }

    @Test("stdin arrives whole, and is empty without one")
    func stdin() async throws {
        let text = String(repeating: "line\n", count: 50_000)
        let action = ShellAction(argv: [.literal(.string("wc")), .literal(.string("-c"))])
        var filled = action
        filled.stdin = .literal(.string(text))
        let context = self.fixture.context()
        let full = try await self.box.perform(.shell(filled), in: context)
        #expect(full.value["stdout"] == .string("250000\n"))
        let empty = try await self.box.perform(.shell(action), in: context)
        #expect(empty.value["stdout"] == .string("0\n"))
    }

    @Test("lines end at LF or CRLF, invalid UTF-8 and NUL are replaced, the last needs no end")
    func lines() async throws {
        let result = try await self.run("printf 'a\\r\\nb\\n\\nc\\377d\\000e'; printf 'err' >&2")
        let stdout = await self.fixture.lines.all.filter { $0.stream == .stdout }.map(\.text)
        #expect(stdout == ["a", "b", "", "c\u{FFFD}d\u{FFFD}e"])
        #expect(result.value["stdout"] == .string("a\r\nb\n\nc\u{FFFD}d\u{FFFD}e"))
        #expect(result.value["stderr"] == .string("err"))
        #expect(result.value["truncated"] == .bool(false))
    }

    @Test("a line longer than 64 KiB is cut and says so")
    func longLine() async throws {
        let result = try await self.run("head -c 200000 /dev/zero | tr '\\0' x; echo; echo next")
        let lines = await self.fixture.lines.texts
        #expect(lines.count == 2)
        #expect(lines.first?.hasSuffix("x … [cut: line longer than 64 KiB]") == true)
        #expect((lines.first?.utf8.filter { $0 == UInt8(ascii: "x") }.count ?? 0) == 64 << 10)
        #expect(lines.last == "next")
        #expect(result.value["truncated"] == .bool(true))
    }

    @Test("20 MiB of output are drained, cut with one mark, and the result keeps both ends")
    func flood() async throws {
        let result = try await self.run(
            "echo first; yes 0123456789abcdef | head -c 20971520; echo; echo last"
        )
        let lines = await self.fixture.lines.all
        #expect(lines.count { $0.isTruncationMark } == 1)
        #expect(lines.last?.isTruncationMark == true)
        #expect(lines.reduce(0) { $0 + $1.text.utf8.count + 1 } <= (16 << 20) + 200)
        let text = result.value["stdout"]?.stringValue ?? ""
        #expect(text.hasPrefix("first\n") && text.hasSuffix("\nlast\n"))
        #expect(text.utf8.count <= (64 << 10) + 100)
        #expect(result.value["exit"] == .integer(0))
        #expect(result.value["truncated"] == .bool(true))
    }

    @Test("cancelling the task ends the program and its children")
    func cancellation() async throws {
        let context = self.fixture.context()
        let box = self.box
        // SAFETY: cancelled and awaited below.
        let work = Task {
            try await box.perform(
                .shell(.script("sleep 500 & echo \"pid $!\"; echo \"self $$\"; wait")),
                in: context
            )
        }
        let child = try #require(Int32(try await self.fixture.lines.rest(after: "pid ")))
        let program = try #require(Int32(try await self.fixture.lines.rest(after: "self ")))
        #expect(isAlive(child))
        work.cancel()
        let failure = await #expect(throws: ToolFailure.self) { try await work.value }
        #expect(failure?.isCancelled == true)
        #expect(!isAlive(child) && !isAlive(program))
    }

    @Test("the deadline ends the program, and the result keeps what it said")
    func deadline() async throws {
        let context = self.fixture.context(seconds: 4)
        let result = try await self.box.perform(
            .shell(.script("trap '' TERM; echo before; while :; do sleep 60; done")),
            in: context
        )
        #expect(result.failure?.kind == .timeout)
        #expect(result.value["stdout"] == .string("before\n"))
        #expect(result.value["signal"] == .string("SIGKILL"))
    }

    @Test("a background program streams on, can be stopped, and its end is seen")
    func background() async throws {
        let action = ShellAction.script(
            "trap 'echo bye; exit 3' TERM; echo up; while :; do sleep 1; done"
        )
        // On a busy machine its last word takes a while.
        let box = Fixture.toolBox(grace: .seconds(20))
        let process = try await box.startBackground(action, in: self.fixture.context())
        _ = try await self.fixture.lines.rest(after: "up")
        #expect(isAlive(process.pid))
        #expect(process.startResult["pid"] == .integer(Int64(process.pid)))
        await process.stop()
        #expect(!isAlive(process.pid))
        _ = try await self.fixture.lines.rest(after: "bye")
        let end = await process.waitForExit()
        #expect(end.value["exit"] == .integer(3))
        let missing = ShellAction(argv: [.literal(.string("no-such-program"))])
        await #expect(throws: ToolFailure.self) {
            try await self.box.startBackground(missing, in: self.fixture.context())
        }
    }

    @Test("a secret is marked even where a long line is cut")
    func secretAtTheCut() async throws {
        let secret = "s3cr3t-value-that-is-long"
        for offset in [65_500, 65_520, 65_530, 65_536] {
            let fixture = try Fixture()
            let script =
                "head -c \(offset) /dev/zero | tr '\\0' x; printf %s \"$S\"; head -c 99999 /dev/zero | tr '\\0' y"
            let action = ShellAction.script(
                script,
                environment: ["S": try .parse("{{ secrets.S }}")]
            )
            let context = fixture.context(EvaluationScope(secrets: ["S": secret]))
            let result = try await self.box.perform(.shell(action), in: context)
            let text = await fixture.lines.texts.joined() + result.value.canonicalText
            #expect(!text.contains("s3cr3"))
        }
    }
}
