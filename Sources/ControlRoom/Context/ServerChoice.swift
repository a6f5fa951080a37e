// Whom a command talks to: the data directory as ever, or a server that a flag, the environment or a
// context names; and where each part of the answer came from.

/// A running node's API, and how to be let in.
public struct ServerAccess: Sendable, Hashable {
    /// Where it is.
    public var url: ServerURL
    /// The API token, if there is one.
    public var token: String?
    /// PEM file of the authorities that sign the server; `nil` means the system's.
    public var ca: String?
    /// PEM file of one's own certificate.
    public var certificate: String?
    /// PEM file of its key.
    public var key: String?
    /// The data directory of the node, where that is known.
    public var data: String?
    /// The context it came from; `nil` for an address without one.
    public var context: String?
    /// Another context with the same token and authorities: most likely another node of the cluster.
    public var sibling: String?
    /// Where each value came from; the token is not shown.
    public var origins: [RoomConfiguration.Value]

    /// The command that brings a node to where none answers; `nil` where that is another machine.
    public var startCommand: String? {
        guard let data = self.data else { return self.url.isThisMachine ? "opsroom up" : nil }
        return data == ContextFile.absolute(DataDirectory.defaultPath)
            ? "opsroom up" : "opsroom up --data \(ShellWord.quoted(data))"
    }
}

/// What a command was told about where to work.
///
/// A flag wins over the environment, the environment over the current context. `--data` and
/// `OPSROOM_DATA` name a data directory and with it no server.
public struct ServerChoice: Sendable, Hashable {
    /// The variable that names a server.
    public static let serverKey = "OPSROOM_SERVER"
    /// The variable that holds a token.
    public static let tokenKey = "OPSROOM_TOKEN"
    /// The variable that names a context.
    public static let contextKey = "OPSROOM_CONTEXT"

    /// `--server`.
    public var server: String?
    /// `--context`.
    public var context: String?
    /// `--data`.
    public var data: String?
    /// The process's variables.
    public var environment: [String: String]

    /// Takes the flags and the environment.
    public init(
        server: String? = nil,
        context: String? = nil,
        data: String? = nil,
        environment: [String: String]
    ) {
        self.server = server
        self.context = context
        self.data = data
        self.environment = environment
    }

    /// Decides.
    ///
    /// - Returns: The server; `nil` means the data directory.
    /// - Throws: A sentence when flags contradict each other, a name is unknown, an address cannot be
    ///   read, or the token would be sent where others can read it.
    public func resolve() throws(RoomError) -> ServerAccess? {
        if self.data != nil, let other = self.server ?? self.context {
            let flag = self.server != nil ? "--server" : "--context"
            throw RoomError(
                .usage,
                "--data works on a data directory, \(flag) \(other) on a running node: "
                    + "take one of them",
                next: "opsroom context show --origin"
            )
        }
        let isLocal = self.data != nil
        let server = Self.pick(
            "server",
            self.server,
            flag: "--server",
            isLocal ? nil : Self.serverKey,
            self.environment
        )
        var named = Self.pick(
            "context",
            self.context,
            flag: "--context",
            // A server that was named outright needs no context from the environment.
            isLocal || self.server != nil ? nil : Self.contextKey,
            self.environment
        )
        if server == nil, named == nil, isLocal || self.variable("OPSROOM_DATA") != nil {
            return nil
        }
        let file = try ContextFile.read(environment: self.environment)
        if server == nil, named == nil, let current = file.current {
            named = RoomConfiguration.Value(
                name: "context",
                value: current,
                origin: "current in \(file.path ?? "")"
            )
        }
        if server == nil, named == nil { return nil }
        var context = try named.map { name throws(RoomError) in
            try file.context(named: name.value)
        }
        let url = try ServerURL(server?.value ?? context?.server ?? "")
        if context == nil {
            // The same server may be known by a name, with what it takes to be let in.
            context = file.contexts.first { (try? ServerURL($0.server)) == url }
        }
        var access = try self.access(url, server, named, context)
        if let context, context.token != nil {
            access.sibling =
                file.contexts.first {
                    $0.name != context.name && $0.server != context.server
                        && $0.token == context.token && $0.ca == context.ca
                }?.name
        }
        return access
    }

    /// The server to ask for what only a running node can tell.
    ///
    /// - Parameter what: What is asked for, as the beginning of a sentence: `events are told`.
    /// - Returns: The server.
    /// - Throws: As ``resolve()``; `unavailable` when no node of the data directory is known.
    public func require(_ what: String) throws(RoomError) -> ServerAccess {
        if let access = try self.resolve() { return access }
        let data = self.data ?? self.variable("OPSROOM_DATA") ?? DataDirectory.defaultPath
        let file = try ContextFile.read(environment: self.environment)
        guard let context = file.context(ofData: data) else {
            throw RoomError(
                .unavailable,
                "\(what) by a running node, and none is known for the data directory \(data); "
                    + "start one there, or name one by --server or --context",
                next: data == DataDirectory.defaultPath
                    ? "opsroom up" : "opsroom up --data \(ShellWord.quoted(data))"
            )
        }
        let origin = RoomConfiguration.Value(
            name: "context",
            value: context.name,
            origin: "data directory \(data)"
        )
        return try self.access(try ServerURL(context.server), nil, origin, context)
    }

    private func access(
        _ url: ServerURL,
        _ server: RoomConfiguration.Value?,
        _ named: RoomConfiguration.Value?,
        _ context: ContextFile.Context?
    ) throws(RoomError) -> ServerAccess {
        let origin = "context " + (context?.name ?? "")
        var origins = [named].compactMap { $0 }
        origins.append(
            RoomConfiguration.Value(
                name: "server",
                value: url.description,
                origin: server?.origin ?? origin
            )
        )
        let token = self.variable(Self.tokenKey) ?? context?.token
        if token != nil {
            origins.append(
                RoomConfiguration.Value(
                    name: "token",
                    value: "set",
                    origin: self.variable(Self.tokenKey) != nil
                        ? "environment \(Self.tokenKey)" : origin
                )
            )
        }
        for (name, value) in [
            ("ca", context?.ca), ("certificate", context?.certificate), ("key", context?.key),
        ] {
            guard let value else { continue }
            origins.append(RoomConfiguration.Value(name: name, value: value, origin: origin))
        }
        guard token == nil || !url.isOverheard else {
            throw RoomError(
                .refused,
                "a token would go to \(url) for everybody on the way to read",
                next: "opsroom runs list --server https://\(url.host):\(url.port)"
            )
        }
        return ServerAccess(
            url: url,
            token: token,
            ca: context?.ca,
            certificate: context?.certificate,
            key: context?.key,
            data: context?.data,
            context: context?.name,
            origins: origins
        )
    }

    private func variable(_ name: String) -> String? {
        self.environment[name].flatMap { $0.isEmpty ? nil : $0 }
    }

    private static func pick(
        _ name: String,
        _ flag: String?,
        flag flagName: String,
        _ key: String?,
        _ environment: [String: String]
    ) -> RoomConfiguration.Value? {
        if let flag {
            return RoomConfiguration.Value(name: name, value: flag, origin: "flag \(flagName)")
        }
        guard let key, let value = environment[key], !value.isEmpty else { return nil }
        return RoomConfiguration.Value(name: name, value: value, origin: "environment \(key)")
    }
}
