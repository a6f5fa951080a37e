// Keeps one node's process running: starts it, notices its end, starts it again, lets it go.

import Foundation
import Subprocess

/// One node of a local cluster.
///
/// Owner: LocalCluster. Runs on: default pool. Ends: after ``stop()``, when the process has ended.
actor LocalNodeActor {
    /// How to start it.
    struct Launch: Sendable {
        var program: String
        var arguments: [String]
        var environment: [String: String]

        /// The environment as the library takes it.
        var variables: [Environment.Key: String] {
            Dictionary(
                uniqueKeysWithValues: self.environment.map {
                    (Environment.Key(stringLiteral: $0), $1)
                }
            )
        }
    }

    /// The pause before a node is started again.
    private static let pause: Duration = .seconds(1)
    /// A node that ends so often within ``spell`` is given up.
    private static let endsMax = 5
    private static let spell: Duration = .seconds(60)
    /// How long a node may take to leave before it is killed: longer than it lets steps finish.
    private static let leaveMax: Duration = .seconds(30)
    /// How long a node may take to be ready.
    private static let readyMax: Duration = .seconds(60)
    /// How often a node is asked whether it shall stop.
    private static let glance: Duration = .milliseconds(50)

    private let name: String
    private let data: String
    private let launch: Launch
    private let onNotice: @Sendable (LocalCluster.Notice) -> Void
    private var isStopping = false
    private var failure: RoomError?
    private var ends: [ContinuousClock.Instant] = []

    init(
        name: String,
        data: String,
        launch: Launch,
        onNotice: @escaping @Sendable (LocalCluster.Notice) -> Void
    ) {
        self.name = name
        self.data = data
        self.launch = launch
        self.onNotice = onNotice
    }

    /// Has the node leave, and not come again.
    func stop() { self.isStopping = true }

    /// Returns when the node takes work for the first time.
    ///
    /// - Throws: Why it does not.
    func untilReady() async throws {
        let deadline = ContinuousClock.now + Self.readyMax
        while true {
            if let failure { throw failure }
            if let file = NodeFile.read(in: self.data), kill(file.pid, 0) == 0,
                file.server != nil, self.isReady
            {
                return
            }
            guard ContinuousClock.now < deadline else {
                throw RoomError(.timedOut, "node \(self.name) is not ready; see \(self.log)")
            }
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    /// Keeps it running until it is stopped, or ends too often.
    func run() async {
        while !self.isStopping {
            let reason = await self.live()
            if self.isStopping { return self.onNotice(.left(node: self.name)) }
            let now = ContinuousClock.now
            self.ends = self.ends.filter { now - $0 < Self.spell } + [now]
            let isStartedAgain = self.ends.count < Self.endsMax
            self.onNotice(
                .ended(node: self.name, reason: reason, isStartedAgain: isStartedAgain)
            )
            guard isStartedAgain else {
                self.failure = RoomError(
                    .failed,
                    "node \(self.name) ended \(Self.endsMax) times within a minute: \(reason)",
                    next: "tail \(ShellWord.quoted(self.log))"
                )
                return
            }
            try? await Task.sleep(for: Self.pause)
        }
    }

    // MARK: One life of the process

    private var isReady = false
    /// Where it listened before: whoever follows it there finds it again.
    private var place: [String] = []
    private var lastWords = "it said nothing"
    private var log: String { "\(self.data)/node.log" }

    /// Sees the process out when the node shall stop: in order first, by force when it takes too long.
    private func seeOut(_ send: (Signal) -> Void) async {
        while !self.isStopping {
            try? await Task.sleep(for: Self.glance)
            if Task.isCancelled { return }
        }
        send(.terminate)
        try? await Task.sleep(for: Self.leaveMax)
        if !Task.isCancelled { send(.kill) }
    }

    /// Runs the process to its end; says why it ended.
    private func live() async -> String {
        self.isReady = false
        var options = PlatformOptions()
        // Ctrl-C of a terminal goes to this process alone, which then tells the nodes in order.
        options.processGroupID = 0
        do {
            let result = try await Subprocess.run(
                // Takes a name only; `env` becomes the program of this path.
                .name("env"),
                arguments: Arguments([self.launch.program] + self.launch.arguments + self.place),
                environment: .custom(self.launch.variables),
                platformOptions: options,
                // It ends with this process, whatever becomes of it: then its input ends.
                input: .inputWriter,
                output: .discarded,
                error: .sequence
            ) { execution in
                self.onNotice(
                    .started(node: self.name, pid: execution.processIdentifier.value)
                )
                try await withThrowingTaskGroup(of: Bool.self) { group in
                    group.addTask {
                        for try await line in execution.standardError.strings() {
                            await self.heard(line)
                        }
                        return true
                    }
                    group.addTask {
                        await self.seeOut { try? execution.send(signal: $0) }
                        return false
                    }
                    while let isOver = try await group.next() {
                        if isOver { group.cancelAll() }
                    }
                }
            }
            switch result.terminationStatus {
            case .exited(let code): return "it exited with \(code): \(self.lastWords)"
            case .signaled(let signal): return "signal \(signal) ended it"
            }
        } catch {
            return "it cannot be run: \(error)"
        }
    }

    private func heard(_ line: String) {
        let text = line.trimmingCharacters(in: .whitespacesAndNewlines)
        guard !text.isEmpty else { return }
        self.lastWords = text
        Self.append(text + "\n", to: self.log)
        if text.contains(LocalCluster.rebirth) { self.onNotice(.reborn(node: self.name)) }
        guard let match = text.firstMatch(of: /node ready, API at (\S+)/) else { return }
        self.isReady = true
        self.place = ["--listen", String(match.1.dropFirst("https://".count))]
        self.onNotice(.ready(node: self.name, server: String(match.1)))
    }

    private static func append(_ text: String, to path: String) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        _ = text.withCString { write(descriptor, $0, strlen($0)) }
    }
}
