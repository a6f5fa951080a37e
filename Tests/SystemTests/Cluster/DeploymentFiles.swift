// Decides how tests read the files that bring the room up elsewhere: YAML, systemd's units, the image's recipe.

import ControlRoom
import Foundation
import HTTP2
import PulserIR
import Yams

/// The folder `cluster` of this repository.
enum DeploymentFiles {
    /// The repository's folder.
    static let root = URL(fileURLWithPath: #filePath)
        .appendingPathComponent("../../../..").standardized.path

    /// Every variable of the environment that a node reads.
    static let variables: Set<String> = Set(Setting.allCases.map(\.variable))
        .union([SettingsFile.variable, MigrationFiles.overrideKey])

    /// Where a file of the folder is.
    static func path(_ name: String) -> String { "\(Self.root)/cluster/\(name)" }

    /// The text of a file of the folder.
    static func text(_ name: String) throws -> String {
        try String(contentsOfFile: Self.path(name), encoding: .utf8)
    }

    /// All files of the folder, from there.
    static func names(ending: String = "") -> [String] {
        let all = FileManager.default.enumerator(atPath: Self.root + "/cluster")
        return (all?.compactMap { $0 as? String } ?? []).filter { name in
            var isFolder: ObjCBool = false
            return name.hasSuffix(ending)
                && FileManager.default.fileExists(atPath: Self.path(name), isDirectory: &isFolder)
                && !isFolder.boolValue
        }
        .sorted()
    }

    /// The documents of a YAML file, with what `<<` brings in its place.
    static func documents(_ name: String) throws -> [JSONValue] {
        try Yams.load_all(yaml: Self.text(name)).map { try Self.json($0) }
    }

    /// The documents of all manifests, by kind.
    static func manifests(_ kind: String) throws -> [JSONValue] {
        try Self.names(ending: ".yaml").filter { $0.hasPrefix("kubernetes/") }
            .flatMap { try Self.documents($0) }
            .filter { $0["kind"]?.stringValue == kind }
    }

    private static func json(_ value: Any) throws -> JSONValue {
        switch value {
        case let text as String: return .string(text)
        case let truth as Bool: return .bool(truth)
        case let number as Int: return .integer(Int64(number))
        case let number as Double: return .number(number)
        case is NSNull: return .null
        case let items as [Any]: return .array(try items.map { try Self.json($0) })
        case let members as [AnyHashable: Any]:
            return .object(
                try members.reduce(into: [:]) { object, member in
                    guard let key = member.key as? String else {
                        throw NeverHappened(description: "\(member.key) is a text")
                    }
                    object[key] = try Self.json(member.value)
                }
            )
        default: throw NeverHappened(description: "\(value) is YAML's")
        }
    }

    /// The sections of a unit; a key that stands there several times has several values.
    static func unit(_ name: String) throws -> [String: [String: [String]]] {
        var sections: [String: [String: [String]]] = [:]
        var section = ""
        for line in try Self.text(name).split(separator: "\n") where !line.hasPrefix("#") {
            if line.hasPrefix("["), line.hasSuffix("]") {
                section = String(line.dropFirst().dropLast())
            } else if let equals = line.firstIndex(of: "=") {
                let value = String(line[line.index(after: equals)...])
                sections[section, default: [:]][String(line[..<equals]), default: []].append(value)
            } else {
                throw NeverHappened(description: "'\(line)' of \(name) is a setting")
            }
        }
        return sections
    }

    /// The instructions of the image's recipe, one line each, by stages.
    static func stages() throws -> [[(word: String, rest: String)]] {
        var stages: [[(word: String, rest: String)]] = [[]]
        let text = try Self.text("Dockerfile").replacing("\\\n", with: " ")
        for line in text.split(separator: "\n") where !line.hasPrefix("#") {
            let parts = line.split(separator: " ", maxSplits: 1)
            guard parts.count == 2 else {
                throw NeverHappened(description: "'\(line)' is an instruction")
            }
            if parts[0] == "FROM" { stages.append([]) }
            let rest = parts[1].split(separator: " ").joined(separator: " ")
            stages[stages.count - 1].append((String(parts[0]), rest))
        }
        return stages
    }

    /// How the image asks a node for its health.
    static func healthCheck() throws -> [String] {
        let check = try Self.stages().last?.first { $0.word == "HEALTHCHECK" }?.rest ?? ""
        guard let command = check.firstRange(of: "CMD ") else { return [] }
        return try JSONValue(parsing: String(check[command.upperBound...])).arrayValue?
            .compactMap(\.stringValue) ?? []
    }

    /// What a node makes of its settings.
    struct Node {
        var room: RoomConfiguration
        var listen: ListenSettings?
        var peers: PeerListenSettings?
        var problems: [String]
    }

    /// What a node makes of a file and an environment.
    ///
    /// - Parameters:
    ///   - file: A file of the folder, if there is one.
    ///   - environment: The node's.
    /// - Returns: Its settings, and what is wrong with them.
    /// - Throws: When the file cannot be read.
    static func settings(
        file: String? = nil,
        _ environment: [String: String] = [:]
    ) throws -> Node {
        let read = try file.map { try SettingsFile(reading: Self.path($0)) }
        var reader = SettingReader(environment: environment, file: read)
        var room = RoomConfiguration(&reader, environment: environment)
        let listen = ListenSettings.read(&reader)
        let peers = PeerListenSettings.read(&reader)
        room.zone = reader.zone()
        return Node(room: room, listen: listen, peers: peers, problems: reader.problems)
    }

    /// How long a node may take to stop: its API says goodbye, running steps finish, its shards are
    /// handed over (20 s, as `NodeLife` has it), it ends.
    static func stopMax(_ room: RoomConfiguration) -> Duration {
        HTTPServerConfiguration().drainTimeout + room.drainTimeout + .seconds(20) + .seconds(5)
    }
}
