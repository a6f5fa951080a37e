// Decides what a hindered database means: the node says what is the matter, and goes on afterwards.

import ControlRoom
import Foundation
import Glibc
import HTTPTypes
import Logging
import Postgres
import PulserIR
import TestBed
import Testing

extension SystemTests {
    @Suite("Faults of the database", .timeLimit(.minutes(4)))
    struct DatabaseFaultTests {
        /// What a server can do to a node that works.
        enum Fault: String, CaseIterable, Sendable, CustomTestStringConvertible {
            case readOnly, statementTimeout, noConnection, slow

            var testDescription: String { self.rawValue }

            /// What `/readyz` and the API say meanwhile.
            var words: String {
                switch self {
                case .readOnly: "it takes no writes now, being read-only"
                case .statementTimeout: "it cuts off statements that take longer than it allows"
                case .noConnection: "it has no connection left"
                case .slow: "a commit has taken longer than 5.0 seconds"
                }
            }

            /// What the server's log says when it really happened.
            var proof: String? {
                switch self {
                case .readOnly: "in a read-only transaction"
                case .statementTimeout: "canceling statement due to statement timeout"
                case .noConnection: "too many clients already"
                case .slow: nil
                }
            }
        }

        /// The server of a test, hindered and freed by a connection that it never hinders.
        actor Scene {
            private let server: EmbeddedPostgres
            private let master: PostgresConnection
            private var crowd: [PostgresConnection] = []

            init() async throws {
                let directory = try DataDirectory.open(
                    TestPostgres.temporaryDirectory(),
                    purpose: "tests"
                )
                self.server = try await TestPostgres.start(in: directory, fsync: true)
                self.master = try await Self.connect(self.server.conninfo)
            }

            nonisolated var conninfo: String { self.server.conninfo }

            private static func connect(_ conninfo: String) async throws -> PostgresConnection {
                let connection = try await PostgresConnection.connect(
                    PostgresConfiguration(conninfo: conninfo),
                    logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
                )
                try await connection.script(
                    "SET default_transaction_read_only = off; SET statement_timeout = 0"
                )
                return connection
            }

            /// Every statement that writes to the lanes' logs and to runs takes so long.
            private static func delay(_ seconds: Double) -> String {
                """
                CREATE FUNCTION delay() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN PERFORM pg_sleep(\(seconds)); RETURN NULL; END $$;
                CREATE TRIGGER delay BEFORE INSERT ON run_events
                    FOR EACH STATEMENT EXECUTE FUNCTION delay();
                CREATE TRIGGER delay BEFORE INSERT ON run FOR EACH STATEMENT EXECUTE FUNCTION delay();
                """
            }

            func begin(_ fault: Fault) async throws {
                switch fault {
                case .readOnly: try await self.set("default_transaction_read_only", "on")
                case .statementTimeout:
                    try await self.master.script(Self.delay(2))
                    try await self.set("statement_timeout", "'200ms'")
                case .slow: try await self.master.script(Self.delay(7))
                case .noConnection: try await self.occupy()
                }
            }

            func end(_ fault: Fault) async throws {
                switch fault {
                case .readOnly: try await self.set("default_transaction_read_only", nil)
                case .statementTimeout:
                    try await self.master.script("DROP FUNCTION delay() CASCADE")
                    try await self.set("statement_timeout", nil)
                case .slow: try await self.master.script("DROP FUNCTION delay() CASCADE")
                case .noConnection:
                    for connection in self.crowd { await connection.close() }
                    self.crowd = []
                }
            }

            private func set(_ name: String, _ value: String?) async throws {
                let text = value.map { "SET \(name) = \($0)" } ?? "RESET \(name)"
                try await self.master.script("ALTER SYSTEM \(text)")
                try await self.master.script("SELECT pg_reload_conf()")
            }

            /// Takes every connection that there is, those of the node too.
            private func occupy() async throws {
                let others = """
                    SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                    WHERE backend_type = 'client backend' AND application_name <> 'crowd'
                    AND pid <> pg_backend_pid()
                    """
                func isAlone() async throws -> Bool {
                    try await self.master.query(others).columnText(0, 0) == "0"
                }
                try await eventually("nobody else has a connection") {
                    // A place that somebody left may be the node's before it is the crowd's.
                    let wasAlone = try await isAlone()
                    let before = self.crowd.count
                    while let one = try? await Self.connect(
                        self.conninfo + " application_name=crowd"
                    ) {
                        self.crowd.append(one)
                    }
                    let isFull = self.crowd.count == before
                    return try await isAlone() && isFull && wasAlone
                }
            }

            /// Holds whoever writes about steps with such a name, until ``release()``.
            func hold(_ steps: String) async throws {
                try await self.master.script(
                    """
                    CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS $$
                    BEGIN PERFORM pg_sleep(600); RETURN NEW; END $$;
                    CREATE TRIGGER hold BEFORE INSERT ON step_journal
                        FOR EACH ROW WHEN (NEW.step LIKE '\(steps)') EXECUTE FUNCTION hold();
                    """
                )
            }

            /// Whether somebody is held.
            func holds() async throws -> Bool {
                let held = "SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
                return try await self.master.query(held).count > 0
            }

            /// Holds nobody any more.
            func release() async throws {
                try await self.master.script("DROP FUNCTION hold() CASCADE")
            }

            /// How many lines of the server's log say so.
            func said(_ words: String) throws -> Int {
                let folder = self.server.logDirectory
                return try FileManager.default.contentsOfDirectory(atPath: folder).reduce(0) {
                    let bytes = FileManager.default.contents(atPath: "\(folder)/\($1)") ?? Data()
                    return $0
                        + String(decoding: bytes, as: UTF8.self).split(separator: "\n")
                        .count { $0.contains(words) }
                }
            }

            func stop() async {
                await self.master.close()
                await self.server.stop()
            }
        }

        /// Three steps that each leave a line.
        static let chain: String = {
            let steps = (0..<3).map { number in
                """
                  - id: s\(number)
                \(number > 0 ? "    needs: [s\(number - 1)]\n" : "")    effects: destructive
                    shell: {argv: [sh, -c, 'echo "$1 $2" >> "$3"; sleep 0.3', sh, "{{ run.id }}", s\(number), "{{ inputs.file }}"]}
                """
            }
            return "inputs: {file: {type: string}}\nsteps:\n" + steps.joined(separator: "\n")
        }()

        /// The sentence of `/readyz` about the database; `nil` when all is well with it.
        static func reason(_ client: APIClient) async throws -> String? {
            let checks = try await client.send(.get, "/readyz").json["checks"]?.arrayValue
            return checks?.first { $0["name"]?.stringValue == "database" }?["reason"]?.stringValue
        }

        /// Orders a run; what the API says.
        static func order(
            _ client: APIClient,
            _ site: Site,
            _ steps: String = Self.chain
        ) async throws -> APIAnswer {
            let text = "apiVersion: pulser/v1\nkind: Plan\nmetadata: {name: chain}\n" + steps
            return try await client.send(
                .post,
                "/v1/runs",
                [
                    "plan": .string(text), "session": "default", "lane": "main",
                    "inputs": ["file": .string("\(site.folder)/lines")],
                ]
            )
        }

        @Test(
            "the node says what the matter is, loses nothing and goes on",
            arguments: Fault.allCases
        )
        func hindered(fault: Fault) async throws {
            let scene = try await Scene()
            try await Site.with(.at(scene.conninfo)) { site in
                let node = try await site.startNode()
                try await APIClient.with(site) { client in
                    for _ in 0..<2 {
                        #expect(try await Self.order(client, site).status == 201)
                    }
                    try await eventually("a step has begun") { !site.lines("lines").isEmpty }
                    let before = try await scene.said("ERROR:")
                    let began = ContinuousClock.now
                    try await scene.begin(fault)
                    try await eventually("/readyz says so") {
                        try await Self.reason(client)?.contains(fault.words) == true
                    }
                    #expect(try await client.send(.get, "/readyz").status == 503)
                    if fault != .slow {
                        try await eventually("the API says so") {
                            let answer = try await Self.order(client, site)
                            let detail = answer.json["detail"]?.stringValue ?? ""
                            return answer.status == 503 && detail.contains(fault.words)
                        }
                    }
                    if let proof = fault.proof { #expect(try await scene.said(proof) > 0) }
                    // Whoever tries without a pause makes thousands of errors a second.
                    let seconds = max(1, (ContinuousClock.now - began) / .seconds(1))
                    #expect(Double(try await scene.said("ERROR:") - before) / seconds < 100)
                    #expect(node.exitCode == nil, "\(node.errorOutput)")
                    try await scene.end(fault)
                    try await eventually("the database is well again") {
                        try await Self.reason(client) == nil
                    }
                    try await Self.checkEnd(client, site)
                }
            }
            await scene.stop()
        }

        /// Does its step for each of three.
        static let fan = """
            inputs: {file: {type: string}}
            steps:
              - id: s0
                effects: destructive
                system:
                  fan_out:
                    over: [0, 1, 2]
                    shell: {argv: [sh, -c, 'echo "$1 $2" >> "$3"', sh, "{{ run.id }}", "{{ item }}", "{{ inputs.file }}"]}
            """

        @Test(
            "what is about to begin when the lease runs out begins later, and nobody is asked",
            arguments: [(Self.chain, "s0"), (Self.fan, "s0[%")]
        )
        func intended(steps: String, held: String) async throws {
            let scene = try await Scene()
            try await Site.with(.at(scene.conninfo)) { site in
                let node = try await site.startNode(["--verbose"])
                try await APIClient.with(site) { client in
                    try await scene.hold(held)
                    let run =
                        try await Self.order(client, site, steps).json["id"]?.stringValue ?? ""
                    try await eventually("an intent is about to be stored") {
                        try await scene.holds()
                    }
                    try await scene.begin(.noConnection)
                    try await scene.release()
                    try await eventually("the lease has run out") {
                        node.errorOutput.contains("lease not renewed in time")
                    }
                    #expect(site.lines("lines").isEmpty)
                    try await scene.end(.noConnection)
                    try await Self.checkEnd(client, site)
                    let all = try await client.send(.get, "/v1/runs/\(run)/steps").json["steps"]
                    let states = all?.arrayValue?.filter { $0["step"]?.stringValue == "s0" }
                        .map { $0["state"]?.stringValue }
                    #expect(states == ["unknown", "succeeded"], "\(all ?? .null)")
                }
            }
            await scene.stop()
        }

        /// Every run that was accepted ends well, each step once.
        static func checkEnd(_ client: APIClient, _ site: Site) async throws {
            try await eventually("a run is taken again") {
                try await Self.order(client, site).status == 201
            }
            var others: [[String]] = []
            do {
                try await eventually("every run ended well") {
                    others = try await site.rows(
                        """
                        SELECT id, status, wait_reason, failure, owner, claim_no FROM run_any
                        WHERE status <> 'succeeded'
                        """
                    )
                    return others.isEmpty
                }
            } catch {
                throw NeverHappened(description: "\(error), but there are \(others)")
            }
            let count = Int(try await site.rows("SELECT count(*) FROM run_any")[0][0]) ?? 0
            let lines = site.lines("lines")
            #expect(lines.count == 3 * count)
            #expect(Set(lines).count == lines.count, "\(lines)")
            try await LaneLogAudit.check(site, "a hindered database")
        }
    }
}
