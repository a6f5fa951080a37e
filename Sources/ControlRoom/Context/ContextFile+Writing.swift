// How the file of contexts changes: under a lock, whole or not at all, for this user alone, keeping
// what other versions wrote into it.

import Foundation
import Glibc
import TOMLKit

extension ContextFile {
    /// The name under which a node on this machine records its first token.
    public static let localName = "local"

    /// Changes the file.
    ///
    /// Two processes that change it at once do so one after the other.
    ///
    /// - Parameters:
    ///   - environment: Says where the file lies.
    ///   - body: Changes what was read.
    /// - Returns: What `body` returned.
    /// - Throws: What `body` threw, or a sentence when the file cannot be read or written.
    public static func change<Value>(
        environment: [String: String],
        _ body: (inout ContextFile) throws(RoomError) -> Value
    ) throws(RoomError) -> Value {
        guard let path = Self.path(environment) else {
            throw RoomError(
                .failed,
                "neither \(Self.pathKey) nor HOME says where contexts are kept",
                next: "\(Self.pathKey)=/path/to/config.toml opsroom context list"
            )
        }
        // A link keeps being one: what it leads to is replaced.
        let place = Self.absolute(path)
        let folder = URL(fileURLWithPath: place).deletingLastPathComponent().path
        if let reason = DataDirectory.makeDirectories(folder) {
            throw Self.unwritable(path, reason)
        }
        // The folder is locked, not the file: that one is replaced.
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0, flock(descriptor, LOCK_EX) == 0 else {
            throw Self.unwritable(path, String(cString: strerror(errno)))
        }
        defer { close(descriptor) }
        var file = try ContextFile(reading: place)
        let old = file
        let value = try body(&file)
        if file != old { try file.write(to: place) }
        return value
    }

    /// Records the token of a node that has just made its first one, under `local` or, when that is
    /// another data directory's, `local-2` and so on. The current context stays what it is.
    ///
    /// - Parameters:
    ///   - server: The node's address.
    ///   - token: The secret.
    ///   - data: The node's data directory.
    ///   - ca: PEM file of the authority that signed the node's certificate, if not the system's.
    ///   - environment: Says where the file lies.
    /// - Returns: The context's name.
    /// - Throws: A sentence when the file cannot be read or written.
    @discardableResult
    public static func storeToken(
        server: String,
        token: String,
        data: String,
        ca: String? = nil,
        environment: [String: String]
    ) throws(RoomError) -> String {
        try Self.change(environment: environment) { file in
            let known = file.context(ofData: data)
            let name = known?.name ?? file.freeName(Self.localName)
            var context = known ?? Context(name: name, server: server)
            context.server = server
            context.token = token
            context.data = Self.absolute(data)
            context.ca = ca ?? context.ca
            file.put(context)
            return name
        }
    }

    /// Writes a node's address anew when it listens elsewhere than before.
    ///
    /// - Parameters:
    ///   - server: The node's address.
    ///   - data: The node's data directory.
    ///   - ca: PEM file of the authority that signed its certificate; one that is there stays.
    ///   - environment: Says where the file lies.
    /// - Throws: A sentence when the file cannot be read or written.
    public static func storeServer(
        _ server: String,
        data: String,
        ca: String? = nil,
        environment: [String: String]
    ) throws(RoomError) {
        guard let known = try Self.read(environment: environment).context(ofData: data),
            known.server != server || known.ca == nil && ca != nil
        else { return }
        try Self.change(environment: environment) { file in
            guard var context = file.context(ofData: data) else { return }
            context.server = server
            context.ca = context.ca ?? ca
            file.put(context)
        }
    }

    private func freeName(_ wanted: String) -> String {
        let names = Set(self.contexts.map(\.name))
        guard names.contains(wanted) else { return wanted }
        var number = 2
        while names.contains("\(wanted)-\(number)") { number += 1 }
        return "\(wanted)-\(number)"
    }

    /// Adds a context, or replaces the one of its name.
    public mutating func put(_ context: Context) {
        self.contexts.removeAll { $0.name == context.name }
        self.contexts.append(context)
        self.contexts.sort { $0.name < $1.name }
    }

    /// Makes a context the one that commands use when nothing else is said; `nil` makes it none.
    ///
    /// - Throws: `notFound`.
    public mutating func use(_ name: String?) throws(RoomError) {
        self.current = try name.map { name throws(RoomError) in try self.context(named: name).name }
    }

    /// Forgets a context; when it was the current one there is none any more.
    ///
    /// - Throws: `notFound`.
    public mutating func remove(_ name: String) throws(RoomError) {
        let context = try self.context(named: name)
        self.contexts.removeAll { $0.name == context.name }
        if self.current == name { self.current = nil }
    }

    private func write(to path: String) throws(RoomError) {
        do {
            try WholeFile(path: path, text: self.merged()).write()
        } catch {
            throw Self.unwritable(path, error.reason)
        }
    }

    /// The text that was read with what changed since; keys that this version does not know stay.
    private func merged() -> String {
        let table = (try? TOMLTable(string: self.text)) ?? TOMLTable()
        if let current = self.current {
            table["current"] = current
        } else {
            table.remove(at: "current")
        }
        if table["contexts"]?.table == nil { table["contexts"] = TOMLTable() }
        let section = table["contexts"]?.table ?? TOMLTable()
        for name in section.keys where !self.contexts.contains(where: { $0.name == name }) {
            section.remove(at: name)
        }
        for context in self.contexts {
            if section[context.name]?.table == nil { section[context.name] = TOMLTable() }
            guard let values = section[context.name]?.table else { continue }
            values["server"] = context.server
            for key in Context.keys {
                if let value = context[keyPath: key.value] {
                    values[key.name] = value
                } else {
                    values.remove(at: key.name)
                }
            }
        }
        return table.convert() + "\n"
    }

    private static func unwritable(_ path: String, _ reason: String) -> RoomError {
        RoomError(
            .failed,
            "\(path) cannot be written: \(reason)",
            next: "ls -ld \(ShellWord.quoted(path))"
        )
    }
}
