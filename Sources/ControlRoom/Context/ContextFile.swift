// Which servers this person knows, and by which name: one TOML file that only they can read.

import Foundation
import TOMLKit

/// The file of contexts: named servers with what it takes to speak to them.
///
/// `OPSROOM_CONFIG`, else `$XDG_CONFIG_HOME/opsroom/config.toml`, else
/// `~/.config/opsroom/config.toml`:
///
/// ```toml
/// current = "prod"
///
/// [contexts.prod]
/// server = "https://ops.example:7460"
/// token = "…"
/// ca = "/etc/ssl/ops-ca.pem"
/// ```
public struct ContextFile: Sendable, Hashable {
    /// The variable that names the file.
    public static let pathKey = "OPSROOM_CONFIG"

    /// A named server.
    public struct Context: Sendable, Hashable {
        /// Its name.
        public var name: String
        /// The server's address.
        public var server: String
        /// The API token; `nil` where a certificate is enough.
        public var token: String?
        /// The data directory of the node it came from, absolute; `nil` for one added by hand.
        public var data: String?
        /// PEM file of the authorities that sign the server; `nil` means the system's.
        public var ca: String?
        /// PEM file of one's own certificate, for servers that ask.
        public var certificate: String?
        /// PEM file of its key.
        public var key: String?

        /// Makes a context.
        public init(
            name: String,
            server: String,
            token: String? = nil,
            data: String? = nil,
            ca: String? = nil,
            certificate: String? = nil,
            key: String? = nil
        ) {
            self.name = name
            self.server = server
            self.token = token
            self.data = data
            self.ca = ca
            self.certificate = certificate
            self.key = key
        }

        /// The keys of a context in the file, and where each lies here.
        static var keys: [(name: String, value: WritableKeyPath<Context, String?>)] {
            [
                ("token", \.token), ("data", \.data), ("ca", \.ca),
                ("certificate", \.certificate), ("key", \.key),
            ]
        }
    }

    /// Where the file lies; `nil` when neither `OPSROOM_CONFIG` nor a home is set.
    public let path: String?
    /// The context that commands use when nothing else is said.
    public internal(set) var current: String?
    /// All of them, by name.
    public internal(set) var contexts: [Context] = []
    /// The file as it was read, with what only other versions know.
    var text = ""

    /// Reads the file; none is an empty one.
    ///
    /// - Throws: A sentence when others can read it too, it is not TOML, or a context has no server.
    public static func read(environment: [String: String]) throws(RoomError) -> ContextFile {
        guard let path = Self.path(environment) else { return ContextFile(path: nil) }
        return try ContextFile(reading: path)
    }

    private init(path: String?) { self.path = path }

    init(reading path: String) throws(RoomError) {
        self.path = path
        if access(path, F_OK) != 0 {
            if errno == ENOENT || errno == ENOTDIR { return }
            throw Self.unreadable(path)
        }
        guard let facts = FileFacts(following: path) else { throw Self.unreadable(path) }
        guard facts.mode & 0o077 == 0 else {
            throw RoomError(
                .refused,
                "\(path) holds tokens and others can read it (mode "
                    + String(facts.mode & 0o777, radix: 8) + ")",
                next: "chmod 600 \(ShellWord.quoted(path))"
            )
        }
        guard let bytes = FileManager.default.contents(atPath: path) else {
            throw Self.unreadable(path)
        }
        try self.take(String(decoding: bytes, as: UTF8.self))
    }

    /// The context of this name.
    ///
    /// - Throws: `notFound`, with the nearest name.
    public func context(named name: String) throws(RoomError) -> Context {
        if let context = self.contexts.first(where: { $0.name == name }) { return context }
        let names = self.contexts.map(\.name).joined(separator: ", ")
        throw RoomError(
            .notFound,
            "there is no context '\(name)'; there " + (names.isEmpty ? "is none" : "are: \(names)"),
            next: names.isEmpty
                ? "opsroom context add \(ShellWord.quoted(name)) --server URL"
                : "opsroom context list"
        )
    }

    /// The context of the node that works on this data directory.
    public func context(ofData data: String) -> Context? {
        let wanted = Self.absolute(data)
        return self.contexts.first { $0.data == wanted }
    }

    /// The path with links resolved, as the file keeps it.
    static func absolute(_ path: String) -> String {
        URL(fileURLWithPath: path).standardizedFileURL.resolvingSymlinksInPath().path
    }

    static func path(_ environment: [String: String]) -> String? {
        func value(_ name: String) -> String? {
            environment[name].flatMap { $0.isEmpty ? nil : $0 }
        }
        if let path = value(Self.pathKey) { return path }
        if let folder = value("XDG_CONFIG_HOME") { return folder + "/opsroom/config.toml" }
        return value("HOME").map { $0 + "/.config/opsroom/config.toml" }
    }

    private static func unreadable(_ path: String) -> RoomError {
        RoomError(
            .failed,
            "\(path) cannot be read: \(String(cString: strerror(errno)))",
            next: "ls -l \(ShellWord.quoted(path))"
        )
    }

    /// Takes the file's text and what it says.
    mutating func take(_ text: String) throws(RoomError) {
        let table: TOMLTable
        do {
            table = try TOMLTable(string: text)
        } catch {
            let place = (error as? TOMLParseError).map {
                ":\($0.source.begin.line):\($0.source.begin.column): \($0.description)"
            }
            throw RoomError(
                .failed,
                "\(self.path ?? "the context file") is not TOML\(place ?? "")",
                next: self.path.map { "cat \(ShellWord.quoted($0))" }
            )
        }
        self.text = text
        self.current = table["current"]?.string
        self.contexts = []
        guard let section = table["contexts"]?.table else { return }
        for name in section.keys.sorted() {
            guard let values = section[name]?.table else { continue }
            guard let server = values["server"]?.string else {
                throw RoomError(
                    .failed,
                    "context '\(name)' in \(self.path ?? "the context file") has no server",
                    next: "opsroom context add \(ShellWord.quoted(name)) --server URL"
                )
            }
            var context = Context(name: name, server: server)
            for key in Context.keys { context[keyPath: key.value] = values[key.name]?.string }
            self.contexts.append(context)
        }
    }
}
