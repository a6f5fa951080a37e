// What a file may say about a node: TOML, one key for each setting, nothing else.

import Foundation
import TOMLKit

/// A node's file of settings.
public struct SettingsFile: Sendable {
    /// The variable that names the file.
    public static let variable = "OPSROOM_NODE_CONFIG"

    /// Where it lies.
    public let path: String
    /// Its values as a flag would have them; lists are joined by commas.
    let values: [Setting: String]
    /// What cannot be used of it, one sentence each.
    let problems: [String]

    /// Reads a file. Its own mistakes are told with those of the values.
    ///
    /// - Parameter path: Where it lies.
    /// - Throws: `notFound`, or `usage` with line and column when it is not TOML.
    public init(reading path: String) throws(RoomError) {
        let text = try TextFile.require(path)
        let table: TOMLTable
        do {
            table = try TOMLTable(string: text)
        } catch {
            let place = (error as? TOMLParseError).map {
                ", line \($0.source.begin.line), column \($0.source.begin.column): "
                    + $0.description
            }
            throw RoomError(
                .usage,
                "\(path) is not TOML\(place ?? "")",
                next: "cat \(ShellWord.quoted(path))"
            )
        }
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent()
        var values: [Setting: String] = [:]
        var problems: [String] = []
        for key in table.keys.sorted() {
            guard let setting = Setting(rawValue: key) else {
                let names = Setting.allCases.map(\.rawValue)
                let near = Nearest.word(to: key, among: names)
                problems.append(
                    "\(path) has the key '\(key)', which is no setting"
                        + (near.map { "; did you mean '\($0)'?" } ?? "")
                )
                continue
            }
            guard let value = table[key].flatMap(Self.text) else {
                problems.append("\(path) gives \(key) neither a text, a number nor a list of texts")
                continue
            }
            values[setting] =
                setting.isPath ? URL(fileURLWithPath: value, relativeTo: folder).path : value
        }
        if let url = values[.join], ConnectionText.hasPassword(url),
            let facts = FileFacts(following: path), facts.mode & 0o007 != 0
        {
            problems.append(
                "\(path) holds the database's password, and everybody on this machine can read it: "
                    + "chmod o= \(ShellWord.quoted(path))"
            )
        }
        self.path = path
        self.values = values
        self.problems = problems
    }

    private static func text(_ value: any TOMLValueConvertible) -> String? {
        if let text = value.string { return text }
        if let number = value.int { return String(number) }
        guard let list = value.array else { return nil }
        let texts = list.compactMap(\.string)
        return texts.count == list.count ? texts.joined(separator: ",") : nil
    }
}
