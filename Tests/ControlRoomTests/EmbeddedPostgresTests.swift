// Decides what a node's own Postgres must survive.

import ControlRoom
import Foundation
import Glibc
import Logging
import Postgres
import TestBed
import Testing

private let logger = Logger(label: "test")

@Suite(.serialized, .timeLimit(.minutes(3)))
struct EmbeddedPostgresTests {
    private func connect(_ server: EmbeddedPostgres) async throws -> PostgresConnection {
        try await PostgresConnection.connect(
            PostgresConfiguration(conninfo: server.conninfo),
            logger: logger
        )
    }

    @Test("a fresh directory becomes a server, and its data survives a restart")
    func restart() async throws {
        let path = TestPostgres.temporaryDirectory() + "/data"
        let directory = try DataDirectory.open(path)
        let first = try await TestPostgres.start(in: directory)
        #expect(!first.wasTakenOver)
        let connection = try await self.connect(first)
        try await connection.script("CREATE TABLE t AS SELECT 42 AS a")
        await connection.close()
        await first.stop()
        await #expect(throws: PostgresError.self) { _ = try await self.connect(first) }

        let second = try await TestPostgres.start(in: directory)
        #expect(!second.wasTakenOver)
        let again = try await self.connect(second)
        #expect(try await again.query("SELECT a FROM t").int64(0, 0) == 42)
        await again.close()
        await second.stop()
    }

    @Test("a second node on the same directory is refused and told by whom")
    func secondNode() throws {
        let path = TestPostgres.temporaryDirectory() + "/data"
        let first = try DataDirectory.open(path)
        do {
            _ = try DataDirectory.open(path)
            Issue.record("the second node was let in")
        } catch {
            #expect(error.code == .directoryInUse)
            #expect(
                error.message
                    == "data directory \(first.path) is in use by process \(getpid()) (opsroom up); "
                    + "stop it or choose another with --data"
            )
        }
        first.unlock()
        _ = try DataDirectory.open(path)
    }

    @Test("a directory that was given back is free, whoever has the lock's descriptor still")
    func givenBack() throws {
        let path = TestPostgres.temporaryDirectory() + "/data"
        let first = try DataDirectory.open(path)
        // As a program has it that is being started.
        let copies = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")
            .compactMap { Int32($0) }
            .filter {
                let target = try? FileManager.default.destinationOfSymbolicLink(
                    atPath: "/proc/self/fd/\($0)"
                )
                return target == "\(first.path)/node.lock"
            }
            .map { dup($0) }
        defer { for copy in copies { close(copy) } }
        #expect(copies.count == 1)
        first.unlock()
        _ = try DataDirectory.open(path)
    }

    @Test("a server left running by a killed node is taken over")
    func takeOver() async throws {
        let path = TestPostgres.temporaryDirectory() + "/data"
        let killed = try DataDirectory.open(path)
        let first = try await TestPostgres.start(in: killed)
        killed.unlock()
        let second = try await TestPostgres.start(in: try DataDirectory.open(path))
        #expect(second.wasTakenOver)
        #expect(second.serverProcessID == first.serverProcessID)
        let connection = try await self.connect(second)
        #expect(try await connection.query("SELECT 1").int64(0, 0) == 1)
        await connection.close()
        await second.stop()
    }

    @Test("a file left by a dead server does not keep the next from starting")
    func staleFile() async throws {
        let path = TestPostgres.temporaryDirectory() + "/data"
        let directory = try DataDirectory.open(path)
        let first = try await TestPostgres.start(in: directory)
        kill(first.serverProcessID, SIGKILL)
        let second = try await TestPostgres.start(in: directory)
        #expect(!second.wasTakenOver)
        #expect(second.serverProcessID != first.serverProcessID)
        await second.stop()
    }

    @Test("a cluster half made by an interrupted start is made anew")
    func halfMade() async throws {
        let path = TestPostgres.temporaryDirectory() + "/data"
        let directory = try DataDirectory.open(path)
        mkdir(directory.path + "/postgres", 0o700)
        mkdir(directory.path + "/postgres/data.new", 0o700)
        mkdir(directory.path + "/postgres/data.new/base", 0o700)
        mkdir(directory.path + "/postgres/data", 0o700)
        let server = try await TestPostgres.start(in: directory)
        let connection = try await self.connect(server)
        #expect(try await connection.query("SELECT 1").int64(0, 0) == 1)
        await connection.close()
        await server.stop()
    }

    @Test("a directory too long for a socket's path still works")
    func longPath() async throws {
        let long = String(repeating: "long-directory-name/", count: 7)
        let path = TestPostgres.temporaryDirectory() + "/" + long + "it's"
        let server = try await TestPostgres.start(in: try DataDirectory.open(path))
        #expect(server.conninfo.utf8.count < 160)
        let connection = try await self.connect(server)
        #expect(try await connection.query("SELECT 1").int64(0, 0) == 1)
        await connection.close()
        await server.stop()
    }

    @Test(
        "as root, a directory that the server's user cannot enter has its cluster elsewhere, and remembers where",
        .enabled(if: geteuid() == 0)
    )
    func closedParent() async throws {
        let parent = TestPostgres.temporaryDirectory()
        chmod(parent, 0o700)
        let directory = try DataDirectory.open(parent + "/data")
        for round in 0..<2 {
            let server = try await TestPostgres.start(in: directory)
            let place = String(server.logDirectory.dropLast("/log".count))
            #expect(place.hasPrefix("/var/lib/opsroom/"))
            if round == 0 { TestPostgres.removeAtExit(place) }
            let connection = try await self.connect(server)
            _ = try await connection.query("SELECT 1")
            await connection.close()
            await server.stop()
        }
    }

    @Test("missing programs are told with the package to install")
    func missing() async throws {
        let environment = ["OPSROOM_POSTGRES_BIN": "/nonexistent"]
        switch await EmbeddedPostgres.findBinaries(environment: environment) {
        case .success: Issue.record("binaries found where there are none")
        case .failure(let error):
            #expect(error.code == .binariesMissing)
            #expect(error.message.contains("OPSROOM_POSTGRES_BIN"))
        }
        #expect(try await EmbeddedPostgres.findBinaries().get().majorVersion >= 14)
    }

    @Test("data of another version is refused, naming the package to install")
    func otherVersion() async throws {
        let path = TestPostgres.temporaryDirectory() + "/data"
        let directory = try DataDirectory.open(path)
        mkdir(directory.path + "/postgres", 0o700)
        mkdir(directory.path + "/postgres/data", 0o700)
        let file = fopen(directory.path + "/postgres/data/PG_VERSION", "w")
        fputs("9\n", file)
        if let file { fclose(file) }
        do {
            _ = try await TestPostgres.start(in: directory)
            Issue.record("data of version 9 was served")
        } catch let error as EmbeddedPostgresError {
            #expect(error.code == .versionMismatch)
            #expect(error.message.contains("apt-get install postgresql-9"))
        }
    }
}
