// Runs a campaign: a cluster, work for it, faults, and what came of it all.

import ControlRoom
import FoundationEssentials
import Glibc
import HTTPTypes
import PulserIR
import Synchronization

/// One campaign from an empty folder to the verdict.
final class FaultCampaign: Sendable {
    /// What is asked for.
    struct Setting: Sendable {
        var seed: UInt64
        var nodes: Int
        var runs: Int
        var lanes: Int
        var faults: Int
        /// The mean pause between faults, and the longest freeze, cut or absence.
        var pauseMilliseconds: Int
        var longestMilliseconds: Int
        /// How many nodes are killed and drained one at a time, before the faults.
        var kills: Int
        var drains: Int
        /// Paths of the program and of `loadtests/faults.sql`.
        var opsroom: String
        var sql: String
        /// Where logs and effects are kept; `nil` when they are removed.
        var folder: String?
        /// How long the last runs may take after the last fault.
        var patience: Duration = .seconds(180)
    }

    struct State {
        var kills: [NodeLoss] = []
        var drains: [NodeLoss] = []
        var aloneKills: [NodeLoss] = []
        var aloneDrains: [NodeLoss] = []
        var deaths: [String] = []
        var breaches: [String] = []
        var faultCounts: [String: Int] = [:]
    }

    let setting: Setting
    let schedule: FaultSchedule
    let state = Mutex(State())
    private let began = ContinuousClock.now

    init(_ setting: Setting) {
        self.setting = setting
        self.schedule = FaultSchedule(
            seed: setting.seed,
            nodes: setting.nodes,
            count: setting.faults,
            pauseMilliseconds: setting.pauseMilliseconds,
            longestMilliseconds: setting.longestMilliseconds
        )
    }

    /// How long it presumably takes until the last fault is over.
    private var lastsMilliseconds: Int {
        self.schedule.lastsMilliseconds + self.setting.kills * 6_000 + self.setting.drains * 8_000
    }

    /// Runs it.
    ///
    /// - Throws: When there is no verdict: a cluster that cannot be started.
    func run() async throws -> Report {
        let keeper = try Keeper()
        defer { keeper.finish() }
        let folder = try Self.makeFolder()
        keeper.remove(folder)
        let logs = self.setting.folder ?? "\(folder)/logs"
        for path in [logs, "\(logs)/effects"] { try Self.make(path) }
        let database = try await OwnDatabase(
            in: "\(folder)/db",
            purpose: "opsload faults",
            keeper: keeper
        )
        let place = Place(database: database, folder: folder, logs: logs)
        let result: Result<Report, any Error>
        do {
            result = .success(try await self.run(place, keeper))
        } catch {
            result = .failure(error)
        }
        await database.stop()
        return try result.get()
    }

    /// What a campaign stands on.
    struct Place: Sendable {
        var database: OwnDatabase
        var folder: String
        var logs: String
        var effects: String { "\(self.logs)/effects" }
    }

    private func run(_ place: Place, _ keeper: Keeper) async throws -> Report {
        let nodes = try await self.makeNodes(place, keeper)
        let result: Result<Report, any Error>
        do {
            let door = try await self.start(nodes, place)
            result = .success(try await self.work(nodes, place, door))
        } catch {
            result = .failure(error)
        }
        for node in nodes {
            try? await node.stop()
            await node.closeLines()
        }
        return try result.get()
    }

    // MARK: The cluster

    private static func makeFolder() throws(LoadError) -> String {
        var template = Array("/tmp/ocr-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw LoadError("no temporary folder") }
        // The server's user must be able to pass through.
        chmod(template, 0o711)
        return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    private static func make(_ path: String) throws(LoadError) {
        guard mkdir(path, 0o700) == 0 else {
            throw LoadError("\(path) cannot be made: \(String(cString: strerror(errno)))")
        }
    }

    private func makeNodes(_ place: Place, _ keeper: Keeper) async throws -> [FaultNode] {
        let names = (1...self.setting.nodes).map { "n\($0)" }
        let free = try FreePorts.find(names.count)
        let ports = Dictionary(uniqueKeysWithValues: zip(names, free))
        // What is only measured is measured without anything in between.
        let network = self.setting.faults == 0 ? nil : try await FaultNetwork(ports)
        var nodes: [FaultNode] = []
        for name in names {
            let environment = [
                "PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": place.folder,
                // Each its own: they all write their contexts when they start.
                "OPSROOM_CONFIG": "\(place.folder)/\(name).toml", "OPSROOM_RATE_LIMIT": "0",
            ]
            nodes.append(
                FaultNode(
                    name: name,
                    line: try await FaultLine(to: .socket(place.database.socket)),
                    setting: FaultNode.Setting(
                        program: self.setting.opsroom,
                        folder: place.folder,
                        logs: place.logs,
                        environment: environment,
                        peerPort: ports[name] ?? 0,
                        network: network
                    ),
                    keeper: keeper,
                    onNotice: { self.take($0) }
                )
            )
        }
        return nodes
    }

    private func take(_ notice: FaultNode.Notice) {
        guard case .died(let node, let how) = notice else { return }
        self.tell("\(node) ended by itself: \(how)")
        self.state.withLock { state in
            state.deaths.append("\(node): \(how)")
            // A node may give up; it does not crash.
            if how.hasPrefix("signal") { state.breaches.append("\(node) crashed: \(how)") }
        }
    }

    /// Starts the nodes: the first makes the schema, to which the harness adds its own.
    private func start(_ nodes: [FaultNode], _ place: Place) async throws -> ClusterDoor {
        guard let sql = TextFile.read(self.setting.sql) else {
            throw LoadError("\(self.setting.sql) cannot be read")
        }
        try await nodes[0].begin()
        try await place.database.script(sql)
        try await withThrowingDiscardingTaskGroup { group in
            for node in nodes.dropFirst() { group.addTask { try await node.begin() } }
        }
        var servers: [String] = []
        for node in nodes { servers.append(await node.server ?? "") }
        let contexts = try ContextFile.read(
            environment: [ContextFile.pathKey: "\(place.folder)/n1.toml"]
        )
        guard let token = contexts.contexts.first?.token else {
            throw LoadError("the first node made no token")
        }
        return try ClusterDoor(servers, token: token)
    }

    private func work(
        _ nodes: [FaultNode],
        _ place: Place,
        _ door: ClusterDoor
    ) async throws -> Report {
        let rounds = max(1, self.setting.runs / self.setting.lanes)
        let work = FaultWork(
            door,
            runs: self.setting.runs,
            lanes: self.setting.lanes,
            effects: place.effects,
            napMilliseconds: min(20_000, max(100, self.lastsMilliseconds * 8 / 10 / rounds - 900)),
            seed: self.setting.seed
        )
        let subscribers = StreamForm.allCases.enumerated().map { index, form in
            FaultSubscriber(
                name: "the subscriber of \(form.rawValue)",
                door: door,
                form: form,
                seed: self.setting.seed &+ UInt64(index) &+ 1
            )
        }
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await door.run() }
            try await self.makeSession(door)
            for subscriber in subscribers { group.addTask { await subscriber.run() } }
            group.addTask { try await work.answer() }
            group.addTask { try await self.look(after: nodes) }
            try await self.settle(place, nodes)
            try await self.disturb(nodes, place, work)
            let report = try await self.judge(place, work, subscribers, door)
            group.cancelAll()
            while await group.nextResult() != nil {}
            return report
        }
    }

    private func makeSession(_ door: ClusterDoor) async throws {
        let lanes = (0..<self.setting.lanes).map {
            JSONValue.object(["name": .string("l\($0)")])
        }
        _ = try await door.make(
            .post,
            "/v1/sessions",
            .object(["name": .string(FaultWork.session), "lanes": .array(lanes)]),
            key: "session"
        )
    }

    private func look(after nodes: [FaultNode]) async throws {
        while !Task.isCancelled {
            for node in nodes { try await node.look() }
            try await Task.sleep(for: .milliseconds(100))
        }
    }

    // MARK: Faults

    private func disturb(_ nodes: [FaultNode], _ place: Place, _ work: FaultWork) async throws {
        try await withThrowingDiscardingTaskGroup { group in
            let time = Duration.milliseconds(self.lastsMilliseconds) * 0.7
            group.addTask { try await work.order(over: time) }
            var random = SeededNumbers(seed: self.setting.seed)
            for number in 0..<self.setting.kills + self.setting.drains {
                let node = nodes[Int.random(in: nodes.indices, using: &random)]
                try await self.lose(node, isKill: number < self.setting.kills, nodes, place)
            }
            let start = ContinuousClock.now
            // What hits one node happens one after the other, however long each of it takes.
            for (node, faults) in Dictionary(grouping: self.schedule.faults, by: \.node) {
                group.addTask {
                    for fault in faults {
                        let due = start + .milliseconds(fault.atMilliseconds)
                        try await Task.sleep(until: due, clock: .continuous)
                        try await self.hit(fault, node.map { nodes[$0] }, place)
                    }
                }
            }
        }
    }

    private func hit(_ fault: Fault, _ node: FaultNode?, _ place: Place) async throws {
        self.tell("\(fault)")
        self.state.withLock { $0.faultCounts[fault.name, default: 0] += 1 }
        guard let node else {
            guard case .database(let down, let isImmediate) = fault.kind else { return }
            return try await place.database.restart(
                downMilliseconds: down,
                isImmediate: isImmediate
            )
        }
        let at = try await node.suffer(fault.kind)
        let loss = NodeLoss(node: node.name, at: at)
        self.state.withLock { state in
            if case .kill = fault.kind { state.kills.append(loss) }
            if case .restart = fault.kind { state.drains.append(loss) }
        }
    }

    /// Kills or drains a node while nothing else happens; it comes back when the others have its
    /// shards, and the next one is hit when it has its share again.
    private func lose(
        _ node: FaultNode,
        isKill: Bool,
        _ nodes: [FaultNode],
        _ place: Place
    ) async throws {
        self.tell("\(node.name)  \(isKill ? "SIGKILL" : "SIGTERM") alone")
        let at = try await node.loseAlone(isKill: isKill) {
            try await self.until("the others have its shards", within: .seconds(40)) {
                let shares = try await place.database.table("shares")
                let sum = shares.reduce(0) { $0 + (Int($1[2]) ?? 0) }
                return sum == 1_024 && !shares.contains { $0[0] == node.name }
            }
            // The lanes' next claims follow at once.
            try await Task.sleep(for: .seconds(1))
        }
        self.state.withLock { state in
            let loss = NodeLoss(node: node.name, at: at)
            if isKill { state.aloneKills.append(loss) } else { state.aloneDrains.append(loss) }
        }
        try await self.settle(place, nodes)
    }

    /// Waits until every node has a share.
    private func settle(_ place: Place, _ nodes: [FaultNode]) async throws {
        let fair = 1_024 / nodes.count
        try await self.until("every node has its share", within: .seconds(40)) {
            let shares = try await place.database.table("shares").map { Int($0[2]) ?? 0 }
            return shares.count == nodes.count && shares.allSatisfy { $0 > fair * 3 / 4 }
        }
    }

    func until(
        _ what: String,
        within limit: Duration,
        _ condition: () async throws -> Bool
    ) async throws {
        let deadline = ContinuousClock.now + limit
        while try await !condition() {
            guard ContinuousClock.now < deadline else {
                self.tell("within \(limit) it never happened that \(what)")
                return self.state.withLock {
                    $0.breaches.append("recovery: it never happened that \(what)")
                }
            }
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    private func tell(_ text: String) {
        let seconds = (ContinuousClock.now - self.began) / .seconds(1)
        print("\(Figure.text(seconds)) s: \(text)")
        fflush(nil)
    }
}
