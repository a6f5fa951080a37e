// Decides the steps from nothing to a running server, each safe to repeat after a crash.

import Glibc
import Logging

/// Brings a cluster up.
struct ClusterStarter: Sendable {
    var binaries: PostgresBinaries
    var account: ServerAccount
    var place: ClusterPlace
    var logger: Logger
    var isDurable: Bool

    /// The database and its owner.
    private static let name = "opsroom"

    /// Makes the cluster when needed, and takes over or starts its server.
    func start() async throws(EmbeddedPostgresError) -> (PostmasterFile, wasTakenOver: Bool) {
        try await self.makeCluster()
        if let running = PostmasterFile.running(on: self.place.data),
            await self.isReady(running.socketDirectory, seconds: 30)
        {
            try await self.makeDatabase(running.socketDirectory)
            self.logger.info(
                "embedded postgres taken over",
                metadata: ["process": "\(running.processID)"]
            )
            return (running, true)
        }
        try self.account.write(self.settings(), to: self.place.data + "/opsroom.conf")
        let running = try await self.startServer()
        try await self.makeDatabase(self.place.socketDirectory)
        self.logger.info(
            "embedded postgres started",
            metadata: ["process": "\(running.processID)", "data": "\(self.place.data)"]
        )
        return (running, false)
    }

    /// Runs `pg_ctl start`, again while the processes of a server that was killed are still going down.
    private func startServer() async throws(EmbeddedPostgresError) -> PostmasterFile {
        let log = self.place.log + "/start.log"
        let deadline = ContinuousClock.now + .seconds(15)
        PostmasterFile.disown(self.place.data)
        while true {
            // Only what this start says matters.
            unlink(log)
            let outcome = await self.account.run(
                self.binaries.program("pg_ctl"),
                ["start", "-D", self.place.data, "-w", "-t", "60", "-s", "-l", log]
            )
            if outcome.isSuccess, let running = PostmasterFile.running(on: self.place.data) {
                return running
            }
            let lines = (TextFile.read(log) ?? "").split(separator: "\n")
            let fatal = lines.first { $0.contains("FATAL:") }.map(String.init)
            let isGoingDown = ["still in use", "already exists"].contains {
                fatal?.contains($0) == true
            }
            if isGoingDown, ContinuousClock.now < deadline {
                // Nobody tells when the last of them is gone.
                do { try await Task.sleep(for: .milliseconds(200)) } catch {}
                if !Task.isCancelled { continue }
            }
            throw EmbeddedPostgresError(
                .startFailed,
                "Postgres did not start: \(fatal ?? outcome.lastWords); see \(self.place.log)"
            )
        }
    }

    /// `initdb` works beside the final place; a rename makes the cluster exist at once and whole.
    private func makeCluster() async throws(EmbeddedPostgresError) {
        if access(self.place.data + "/PG_VERSION", F_OK) == 0 { return }
        if access(self.place.data, F_OK) == 0 {
            // Never completed, yet not ours to delete.
            let aside = self.place.data + ".incomplete"
            _ = await Command.run("rm", ["-rf", "--", aside])
            _ = rename(self.place.data, aside)
        }
        unlink(self.place.databaseMarker)
        var last = Command(isSuccess: false, output: "", errorOutput: "")
        for locale in ["C.UTF-8", "C"] where !last.isSuccess {
            _ = await Command.run("rm", ["-rf", "--", self.place.unfinished])
            var arguments = [
                "-D", self.place.unfinished, "-U", Self.name, "--encoding=UTF8",
                "--locale=\(locale)", "--auth=trust", "--no-instructions",
            ]
            if !self.isDurable { arguments.append("--no-sync") }
            last = await self.account.run(self.binaries.program("initdb"), arguments)
        }
        guard last.isSuccess else {
            throw EmbeddedPostgresError(
                .initializationFailed,
                "the Postgres cluster in \(self.place.base) cannot be made: \(last.lastWords); "
                    + "check the space and rights of that directory"
            )
        }
        let data = self.place.unfinished
        // Only those who can enter the socket's directory connect: the owner and root.
        try self.account.write("local all all trust\n", to: data + "/pg_hba.conf")
        let main = TextFile.read(data + "/postgresql.conf") ?? ""
        try self.account.write(
            main + "\ninclude_if_exists = 'opsroom.conf'\ninclude_if_exists = 'local.conf'\n",
            to: data + "/postgresql.conf"
        )
        try self.account.write(self.settings(), to: data + "/opsroom.conf")
        guard rename(data, self.place.data) == 0 else {
            throw EmbeddedPostgresError(
                .initializationFailed,
                "the Postgres cluster cannot be moved to \(self.place.data); check that directory's rights"
            )
        }
    }

    private func makeDatabase(_ host: String) async throws(EmbeddedPostgresError) {
        if access(self.place.databaseMarker, F_OK) == 0 { return }
        let outcome = await self.account.run(
            self.binaries.program("createdb"),
            ["-h", host, "-U", Self.name, "--maintenance-db=postgres", Self.name]
        )
        guard outcome.isSuccess || outcome.errorOutput.contains("already exists") else {
            throw EmbeddedPostgresError(
                .startFailed,
                "the database cannot be made: \(outcome.lastWords); see \(self.place.log)"
            )
        }
        try self.account.write("", to: self.place.databaseMarker)
    }

    private func isReady(_ host: String, seconds: Int) async -> Bool {
        let deadline = ContinuousClock.now + .seconds(seconds)
        while ContinuousClock.now < deadline {
            let arguments = ["-h", host, "-U", Self.name, "-q", "-t", "1"]
            if await Command.run(self.binaries.program("pg_isready"), arguments).isSuccess {
                return true
            }
            if PostmasterFile.running(on: self.place.data) == nil { return false }
            // Recovery after a crash takes its time; there is nothing to be told by.
            do { try await Task.sleep(for: .milliseconds(100)) } catch { return false }
        }
        return false
    }

    /// Rewritten at every start; a person's own settings go to `local.conf` beside it.
    private func settings() -> String {
        let durable = self.isDurable ? "on" : "off"
        return """
            # Written by opsroom at every start; put your own settings into local.conf.
            listen_addresses = ''
            port = 5432
            unix_socket_directories = '\(Self.quoted(self.place.socketDirectory))'
            unix_socket_permissions = 0700
            max_connections = \(self.isDurable ? 300 : 1000)
            shared_buffers = 128MB
            fsync = \(durable)
            synchronous_commit = \(durable)
            full_page_writes = \(durable)
            logging_collector = on
            log_directory = '\(Self.quoted(self.place.log))'
            log_filename = 'postgres-%a.log'
            log_truncate_on_rotation = on
            log_rotation_age = 1d
            log_rotation_size = 0
            log_statement = none

            """
    }

    private static func quoted(_ text: String) -> String {
        text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "''")
    }

    /// The connection string for the server behind `host`'s socket.
    static func conninfo(host: String) -> String {
        var escaped = ""
        for character in host {
            if character == "'" || character == "\\" { escaped += "\\" }
            escaped.append(character)
        }
        return "host='\(escaped)' port=5432 user=\(Self.name) dbname=\(Self.name)"
    }
}
