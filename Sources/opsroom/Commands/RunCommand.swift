// `opsroom run`: compiles a plan, has it run, shows it live, answers with its result.

import ArgumentParser
import Compiler
import ControlRoom
import Foundation
import Gateway
import PulserIR
import Store

struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Run a plan and show it live.",
        discussion: """
            Without a running node one is started in this process, on the data directory. With
            --server or a context the run goes on there, and is followed through lost connections.

            Examples:
              opsroom run examples/release-check.yaml
              opsroom run migrate.yaml --input env=staging --session billing --lane B
              opsroom run plan.yaml -o jsonl | jq .type
              opsroom run sync.yaml --unique customer-7 --on-conflict join --detach
              opsroom run report.yaml --at 2026-12-24T18:00:00+01:00 --detach
              opsroom run index.yaml --unique same --on-conflict debounce --delay 30s --detach

            Exit codes: 0 succeeded · 2 the run failed · 64 the plan or an input is wrong.
            """
    )

    @Argument(
        help: "A plan file, YAML or JSON.",
        completion: .file(extensions: ["yaml", "yml", "json"])
    )
    var plan: String

    @OptionGroup var inputOptions: InputOptions
    @Option(help: "The session; only 'default' is made by itself.")
    var session = Store.defaultSession
    @Option(help: "The lane inside the session, made when absent.")
    var lane = "A"
    @Option(help: "Higher goes first inside the lane.")
    var priority = 0
    @Option(
        name: .customLong("key"),
        help: "An idempotency key: the same key runs once within a day."
    )
    var idempotencyKey: String?
    @Option(
        name: .customLong("for"),
        help: "Whom or what the run is for, such as a tenant: in a lane they take turns."
    )
    var forKey = ""
    @Option(help: ArgumentHelp("Begin no earlier than after this time.", valueName: "duration"))
    var delay: DurationOption?
    @Option(
        help: ArgumentHelp(
            "Begin no earlier than at this moment, such as 2026-11-20T12:00:00Z.",
            valueName: "time"
        ),
        transform: MomentOption.clock
    )
    var at: MomentOption?
    @OptionGroup(title: "Deadlines") var deadlines: DeadlineOptions
    @OptionGroup(title: "One of a kind") var uniqueness: UniqueOptions
    @Flag(help: "Store the run and return; a node runs it.")
    var detach = false
    @OptionGroup var output: OutputOptions
    @OptionGroup var patience: PatienceOptions
    @OptionGroup var place: PlaceOptions

    func validate() throws {
        try LaneName.check(self.lane)
        guard (-1_000_000...1_000_000).contains(self.priority) else {
            throw ValidationError("--priority must be from -1,000,000 to 1,000,000")
        }
        if self.delay != nil, self.at != nil {
            throw ValidationError("say --delay or --at, not both")
        }
        guard self.delayMilliseconds <= 31_536_000_000 else {
            throw ValidationError("a run begins within a year: --delay and --at lead beyond that")
        }
        try self.uniqueness.check(delayMilliseconds: self.delayMilliseconds)
        guard self.forKey.utf8.count <= NewRun.keyBytesMax, !self.forKey.utf8.contains(0) else {
            throw ValidationError("--for is a text of at most \(NewRun.keyBytesMax) bytes")
        }
    }

    private var delayMilliseconds: Int64 {
        self.delay?.milliseconds ?? self.at?.fromNowMilliseconds ?? 0
    }

    func run() async throws {
        let (compiled, files) = try PlanFile.compileNamedWithSources(self.plan)
        self.output.warn(compiled.warnings)
        let order = RunOrder(
            path: self.plan,
            compiled: compiled,
            files: files,
            inputs: try self.inputs(compiled.plan),
            session: self.session,
            lane: self.lane,
            priority: self.priority,
            key: self.idempotencyKey,
            forKey: self.forKey,
            delayMilliseconds: self.delayMilliseconds,
            dueAt: self.at?.milliseconds,
            unique: self.uniqueness.value,
            deadline: self.deadlines.value
        )
        let run: RunFacts
        if let server = try self.place.choice.resolve() {
            run = try await RemoteConnection.open(server, logger: self.place.logger) {
                try await self.runThere(order, $0)
            }
        } else {
            run = try await self.runHere(order)
        }
        if self.detach, self.output.output == .table {
            Terminal.output.line(run.id.description)
        } else if self.detach {
            self.output.printJSON(run.json)
        }
        if run.status.isTerminal, run.status != .succeeded { throw ExitCode(2) }
    }

    /// On a node that runs somewhere: it goes on there whatever happens here.
    private func runThere(
        _ order: RunOrder,
        _ connection: RemoteConnection
    ) async throws -> RunFacts {
        let room = RemoteAccess(
            connection: connection,
            patience: self.patience.reconnect.duration
        )
        let id = try await room.start(order)
        if self.detach { return try await room.run(id) }
        let words = self.place.words
        let watch = RunWatch(
            id: id,
            plan: order.compiled.plan,
            output: self.output,
            words: words,
            interruption: RoomError(
                .interrupted,
                "interrupted; run \(id) goes on at \(connection.access.url), "
                    + "or ends with: opsroom runs cancel \(id)\(words)",
                next: "opsroom runs watch \(id)\(words)"
            )
        )
        return try await watch.follow(room)
    }

    /// On the data directory, with a node of its own where none works.
    private func runHere(_ order: RunOrder) async throws -> RunFacts {
        let configuration = try self.place.configuration()
        let notices = NoticeBoard()
        let room = self.place.room(configuration) { notices.post($0) }
        let place = RunPlace()
        return try await self.persistently(place) {
            try await room.open(purpose: "opsroom run", node: self.detach ? .none : .some) {
                client in
                let access = LocalAccess(client: client)
                let id = try await place.id { try await access.start(order) }
                if self.detach { return try await access.run(id) }
                let watch = RunWatch(
                    id: id,
                    plan: order.compiled.plan,
                    output: self.output,
                    words: self.place.words,
                    interruption: Self.interrupted(id),
                    notices: notices,
                    isNew: { await place.pass($0) }
                )
                return try await watch.follow(access)
            }
        }
    }

    private func inputs(_ plan: Plan) throws -> JSONValue {
        do {
            return try PlanInputs.bind(try self.inputOptions.values(), to: plan)
        } catch let error as InputError {
            throw Failure(error, next: "opsroom plan show \(ShellWord.quoted(self.plan))")
        }
    }

    /// When the node that had the data directory ends, this command takes its place and goes on.
    private func persistently(
        _ place: RunPlace,
        _ body: () async throws -> RunFacts
    ) async throws -> RunFacts {
        var tries = 0
        while true {
            do {
                return try await body()
            } catch {
                let isOutage = (error as? StoreError)?.isTransient ?? false
                tries += 1
                guard isOutage, await place.isStarted, tries < 10 else { throw error }
            }
        }
    }

    private static func interrupted(_ id: RunID) -> RoomError {
        RoomError(
            .interrupted,
            "interrupted; run \(id) is kept and goes on when a node works, "
                + "or ends with: opsroom runs cancel \(id)",
            next: "opsroom up"
        )
    }
}

/// Which run a command follows, and how far it has told of it.
private actor RunPlace {
    private var id: RunID?
    private var told: Int64 = 0

    var isStarted: Bool { self.id != nil }

    /// The run, made when it is not there yet.
    func id(_ make: @Sendable () async throws -> RunID) async throws -> RunID {
        if let id = self.id { return id }
        let made = try await make()
        self.id = made
        return made
    }

    /// Whether the event is told for the first time.
    func pass(_ sequence: Int64) -> Bool {
        guard sequence > self.told else { return false }
        self.told = sequence
        return true
    }
}

/// Passes what the node says to whoever shows it.
final class NoticeBoard: Sendable {
    private let stream: AsyncStream<Room.Notice>
    private let continuation: AsyncStream<Room.Notice>.Continuation

    init() { (self.stream, self.continuation) = AsyncStream.makeStream() }

    func post(_ notice: Room.Notice) { self.continuation.yield(notice) }

    /// Hands outages to `body`: a sentence, or `nil` when it is over.
    func show(_ body: @escaping @Sendable (String?) async -> Void) {
        let stream = self.stream
        // SAFETY: ends with the process, which ends with the command; it only paints.
        Task {
            for await notice in stream {
                switch notice {
                case .databaseUnavailable(let reason): await body(reason)
                case .databaseAvailable: await body(nil)
                case .database, .migrated, .ready, .reborn, .certificate, .otherPort, .firstToken,
                    .noToken, .storedToken:
                    break
                }
            }
        }
    }
}
