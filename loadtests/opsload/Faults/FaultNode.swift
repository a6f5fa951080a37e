// Decides how one node of a campaign lives: started, killed, frozen, cut off, restarted.

import Glibc

/// A node process and what is done to it, one thing at a time.
///
/// Owner: FaultCampaign. Runs on: default pool. Ends: with ``stop()``.
actor FaultNode {
    /// How a node is started.
    struct Setting: Sendable {
        var program: String
        /// Its data, and what it says.
        var folder: String
        var logs: String
        var environment: [String: String]
        /// Where it listens for other nodes, on loopback.
        var peerPort: Int
        /// The lines between nodes; `nil` where they call each other directly.
        var network: FaultNetwork?
    }

    /// Something of a node that somebody should know.
    enum Notice: Sendable {
        /// It ended although nobody ended it.
        case died(node: String, how: String)
        /// It takes work; the address of its API.
        case ready(node: String, server: String)
    }

    /// How long a node may take until it takes work, attempts included.
    static let readyMax: Duration = .seconds(60)
    /// How long a node may take to leave.
    static let leaveMax: Duration = .seconds(60)

    nonisolated let name: String
    nonisolated let line: FaultLine
    private let setting: Setting
    private let keeper: Keeper
    private let onNotice: @Sendable (Notice) -> Void
    private var process: pid_t?
    private var lives = 0
    /// Something is being done to it.
    private var isBusy = false
    /// Where it listens: the same in every life, so that subscribers find it again.
    private(set) var server: String?

    init(
        name: String,
        line: FaultLine,
        setting: Setting,
        keeper: Keeper,
        onNotice: @escaping @Sendable (Notice) -> Void
    ) {
        self.name = name
        self.line = line
        self.setting = setting
        self.keeper = keeper
        self.onNotice = onNotice
    }

    private var log: String { "\(self.setting.logs)/\(self.name)-\(self.lives).log" }

    /// Does one thing to it after the other.
    private func alone<Value: Sendable>(
        _ body: () async throws -> Value
    ) async throws -> Value {
        while self.isBusy { try await Task.sleep(for: .milliseconds(10)) }
        self.isBusy = true
        defer { self.isBusy = false }
        return try await body()
    }

    /// Starts it for the first time.
    func begin() async throws { try await self.alone { try await self.start() } }

    /// Ends it for good.
    func stop() async throws { _ = try await self.alone { try await self.killHard() } }

    /// Ends what leads to it and from it.
    nonisolated func closeLines() async {
        await self.line.close()
        await self.setting.network?.close()
    }

    /// Does a fault to it, to its end: afterwards the node takes work again.
    ///
    /// - Returns: When it was hit, in microseconds since 1970.
    func suffer(_ kind: Fault.Kind) async throws -> Int64 {
        try await self.alone {
            var at = WallClock.microseconds
            switch kind {
            case .kill(_, let down):
                at = try await self.killHard()
                try await Task.sleep(for: .milliseconds(down))
                try await self.start()
            case .restart:
                at = try await self.leave()
                try await self.start()
            case .freeze(_, let time): try await self.freeze(milliseconds: time)
            case .cut(_, let time, let isSilent):
                try await self.cut(milliseconds: time, isSilent: isSilent)
            case .isolate(_, let time, let isSilent):
                try await self.isolate(milliseconds: time, isSilent: isSilent)
            case .database: break
            }
            return at
        }
    }

    /// Kills it or has it leave, and starts it again when `isOver` says so.
    ///
    /// - Returns: When it was hit, in microseconds since 1970.
    func loseAlone(
        isKill: Bool,
        until isOver: @Sendable () async throws -> Void
    ) async throws -> Int64 {
        try await self.alone {
            let at = isKill ? try await self.killHard() : try await self.leave()
            try await isOver()
            try await self.start()
            return at
        }
    }

    /// Starts it and waits until it takes work; one that gives up because its database is not there
    /// is started again, as a supervisor of services would.
    private func start() async throws {
        let deadline = ContinuousClock.now + Self.readyMax
        while true {
            if try await self.tryStart(until: deadline) { return }
            guard ContinuousClock.now < deadline else {
                throw LoadError("\(self.name) takes no work: \(self.lastWords)")
            }
            try await Task.sleep(for: .milliseconds(500))
        }
    }

    private func tryStart(until deadline: ContinuousClock.Instant) async throws -> Bool {
        self.lives += 1
        let listen = self.server.map { String($0.drop { $0 != "/" }.dropFirst(2)) }
        var launch = Launch(
            program: self.setting.program,
            arguments: [
                "node", "--name", self.name, "--data", "\(self.setting.folder)/\(self.name)",
                "--join", self.line.conninfo, "--listen", listen ?? "127.0.0.1:0",
                "--peer-listen", "127.0.0.1:\(self.setting.peerPort)", "--verbose",
            ]
        )
        if let port = self.setting.network?.port(of: self.name) {
            launch.arguments += ["--peer-address", "127.0.0.1:\(port)"]
        }
        launch.environment = self.setting.environment
        launch.output = self.log
        let process = try launch.start()
        self.process = process
        self.keeper.end(process)
        try await self.setting.network?.began(self.name, process)
        while ContinuousClock.now < deadline {
            if let server = Self.server(in: TextFile.read(self.log) ?? "") {
                self.server = server
                self.onNotice(.ready(node: self.name, server: server))
                return true
            }
            if let end = Self.collect(process) {
                try await self.forget()
                guard end != "exit code 64" else {
                    throw LoadError("\(self.name) is started wrongly: \(self.lastWords)")
                }
                return false
            }
            try await Task.sleep(for: .milliseconds(20))
        }
        return false
    }

    /// The address in `node ready, API at http://…`.
    static func server(in log: String) -> String? {
        guard let match = log.firstMatch(of: /node ready, API at (https?:\/\/[0-9.:a-z]+)/) else {
            return nil
        }
        return String(match.1)
    }

    private var lastWords: String {
        String((TextFile.read(self.log) ?? "").split(separator: "\n").last ?? "it said nothing")
    }

    /// Notices a node that ended by itself, and starts it again.
    func look() async throws {
        guard !self.isBusy, let process, let end = Self.collect(process) else { return }
        try await self.forget()
        self.onNotice(.died(node: self.name, how: "\(end), \(self.lastWords)"))
        try await self.begin()
    }

    /// Kills it as a power failure would.
    ///
    /// - Returns: When, in microseconds since 1970.
    private func killHard() async throws -> Int64 {
        let at = WallClock.microseconds
        if let process {
            kill(process, SIGKILL)
            try await self.awaitEnd(of: process)
        }
        return at
    }

    /// Stops the process where it is, and lets it go on.
    private func freeze(milliseconds: Int) async throws {
        guard let process else { return }
        kill(process, SIGSTOP)
        try? await Task.sleep(for: .milliseconds(milliseconds))
        kill(process, SIGCONT)
    }

    /// Cuts it off from its database for a while.
    private func cut(milliseconds: Int, isSilent: Bool) async throws {
        try await self.line.become(isSilent ? .silent : .refusing)
        try? await Task.sleep(for: .milliseconds(milliseconds))
        try await self.line.become(.open)
    }

    /// Cuts it off from all other nodes for a while.
    private func isolate(milliseconds: Int, isSilent: Bool) async throws {
        let network = self.setting.network
        try await network?.isolate(self.name, isSilent ? .silent : .refusing)
        try? await Task.sleep(for: .milliseconds(milliseconds))
        try await network?.isolate(self.name, .open)
    }

    /// Asks it to leave, and waits until it has.
    ///
    /// - Returns: When it was asked, in microseconds since 1970.
    private func leave() async throws -> Int64 {
        let at = WallClock.microseconds
        if let process {
            kill(process, SIGTERM)
            try await self.awaitEnd(of: process)
        }
        return at
    }

    private func awaitEnd(of process: pid_t) async throws {
        let deadline = ContinuousClock.now + Self.leaveMax
        while Self.collect(process) == nil {
            guard ContinuousClock.now < deadline else {
                throw LoadError("\(self.name) does not end: \(self.lastWords)")
            }
            try await Task.sleep(for: .milliseconds(5))
        }
        try await self.forget()
    }

    /// The process has ended.
    private func forget() async throws {
        self.process = nil
        try await self.setting.network?.ended(self.name)
    }

    /// Collects a process that has ended, and says how.
    private static func collect(_ process: pid_t) -> String? {
        var status: Int32 = 0
        guard waitpid(process, &status, WNOHANG) == process else { return nil }
        let signal = status & 0x7F
        return signal == 0 ? "exit code \((status >> 8) & 0xFF)" : "signal \(signal)"
    }
}

/// The time of day.
enum WallClock {
    /// Microseconds since 1970.
    static var microseconds: Int64 {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        return Int64(now.tv_sec) * 1_000_000 + Int64(now.tv_nsec) / 1_000
    }
}
