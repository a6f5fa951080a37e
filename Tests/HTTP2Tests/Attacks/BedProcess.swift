// Decides how a test gets a server in a process of its own, and reads how much memory it uses.

import Foundation
import Glibc

/// A running `HTTP2Bed`. It ends when its standard input is closed: with this object at the latest.
final class BedProcess: Sendable {
    let port: Int
    private let processID: pid_t
    private let input: Int32

    init() throws {
        // Both ends close when their process runs another program or ends.
        var ends: [Int32] = [-1, -1]
        let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        guard socketpair(AF_UNIX, kind, 0, &ends) == 0 else {
            throw WireFailure("no pair of sockets could be made")
        }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, ends[1], 0)
        posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
        var arguments = [strdup("HTTP2Bed"), nil]
        defer { for argument in arguments { free(argument) } }
        var process = pid_t()
        let path = Self.folder + "/HTTP2Bed"
        let code = posix_spawn(&process, path, &actions, nil, &arguments, environ)
        close(ends[1])
        self.processID = code == 0 ? process : 0
        self.input = ends[0]
        var line = [UInt8](repeating: 0, count: 16)
        let count = code == 0 ? read(ends[0], &line, line.count) : 0
        let text = String(decoding: line.prefix(max(0, count)), as: UTF8.self)
        self.port = Int(text.trimmingCharacters(in: .newlines)) ?? 0
        guard self.port > 0 else { throw WireFailure("\(path) does not listen") }
    }

    deinit {
        close(self.input)
        var status: Int32 = 0
        if self.processID > 0 { waitpid(self.processID, &status, 0) }
    }

    /// Resident memory that is its own, in bytes: anonymous pages, without mapped files.
    var ownBytes: Int {
        let data = FileManager.default.contents(atPath: "/proc/\(self.processID)/status") ?? Data()
        let text = String(decoding: data, as: UTF8.self)
        let line = text.split(separator: "\n").first { $0.hasPrefix("RssAnon:") }
        return 1_024
            * (line?.split(whereSeparator: \.isWhitespace).dropFirst().first
                .flatMap { Int($0) } ?? 0)
    }

    /// Where the executables of this build lie: beside the test bundle.
    private static let folder: String = {
        guard let path = realpath("/proc/self/exe", nil) else { return "." }
        defer { free(path) }
        return URL(fileURLWithPath: String(cString: path)).deletingLastPathComponent().path
    }()
}
