// Decides each setting's value: the flag's, else the environment's, else the file's, else the default;
// and says of every one where it came from, and of a wrong one what is wrong.

import Compiler

/// Reads settings once, and collects what is wrong with them.
public struct SettingReader: Sendable {
    private let flags: [Setting: String]
    private let environment: [String: String]
    private let file: SettingsFile?
    /// What is wrong so far, one sentence each.
    public private(set) var problems: [String]
    /// Each setting asked for, with its origin.
    public private(set) var origins: [RoomConfiguration.Value] = []

    /// Takes the places where settings may be.
    ///
    /// - Parameters:
    ///   - flags: What the command line says.
    ///   - environment: The process's variables; an empty one says nothing.
    ///   - file: The file, if there is one.
    public init(
        flags: [Setting: String] = [:],
        environment: [String: String],
        file: SettingsFile? = nil
    ) {
        self.flags = flags
        self.environment = environment
        self.file = file
        self.problems = file?.problems ?? []
    }

    /// What was said, and where.
    private func said(_ setting: Setting) -> (text: String, origin: String)? {
        if let text = self.flags[setting] { return (text, "flag --\(setting.rawValue)") }
        if let text = self.environment[setting.variable], !text.isEmpty {
            return (text, "environment \(setting.variable)")
        }
        if let file, let text = file.values[setting] { return (text, "file \(file.path)") }
        return nil
    }

    /// The setting's text; `nil` when nothing was said.
    mutating func text(_ setting: Setting, unset: String = "not set") -> String? {
        let said = self.said(setting)
        let isSecret = setting == .join
        self.origins.append(
            RoomConfiguration.Value(
                name: setting.rawValue,
                value: said.map { isSecret ? ConnectionText.shown($0.text) : $0.text } ?? unset,
                origin: said?.origin ?? "default"
            )
        )
        return said?.text
    }

    /// The text of a setting that somebody else asks for and shows.
    func value(of setting: Setting) -> String? { self.said(setting)?.text }

    /// The setting's text, or its default.
    mutating func text(_ setting: Setting, default fallback: String) -> String {
        self.text(setting, unset: fallback) ?? fallback
    }

    /// A number.
    mutating func number(
        _ setting: Setting,
        in range: ClosedRange<Int>,
        default fallback: Int
    ) -> Int {
        guard let text = self.text(setting, unset: String(fallback)) else { return fallback }
        if let number = Int(text), range.contains(number) { return number }
        self.refuse(setting, "must be a number from \(range.lowerBound) to \(range.upperBound)")
        return fallback
    }

    /// A length of time, up to an hour.
    mutating func duration(_ setting: Setting, default fallback: Duration) -> Duration {
        let usual = "\(fallback.components.seconds)s"
        guard let text = self.text(setting, unset: usual) else { return fallback }
        if let length = PlanDuration.milliseconds(text), (0...3_600_000).contains(length) {
            return .milliseconds(length)
        }
        self.refuse(setting, "must be a duration of at most an hour, as 500ms, 30s or 5m")
        return fallback
    }

    /// The node's failure domain.
    public mutating func zone() -> String {
        let zone = self.text(.zone, unset: "none") ?? ""
        if zone.utf8.count > 64 { self.refuse(.zone, "must have at most 64 bytes") }
        return zone
    }

    /// Texts separated by commas.
    mutating func list(_ setting: Setting) -> [String] {
        (self.text(setting) ?? "").split(separator: ",").map { String($0.filter { $0 != " " }) }
    }

    /// Tells all that is wrong.
    ///
    /// - Throws: When anything is.
    public func finish() throws(SettingsError) {
        if !self.problems.isEmpty { throw SettingsError(problems: self.problems) }
    }

    /// Notes that a setting's value cannot be used.
    ///
    /// - Parameters:
    ///   - setting: The setting.
    ///   - rule: What it must be, as the end of a sentence.
    public mutating func refuse(_ setting: Setting, _ rule: String) {
        guard let said = self.said(setting) else {
            return self.problems.append("\(setting.rawValue) \(rule)")
        }
        // A connection string that cannot be read may have its password anywhere.
        let text = setting == .join ? "" : " '\(said.text)'"
        self.problems.append("\(setting.rawValue)\(text) (\(said.origin)) \(rule)")
    }
}

/// Settings that cannot be used, all that were found at once.
public struct SettingsError: Error, Sendable, CustomStringConvertible {
    /// One sentence for each, naming the setting and where it came from.
    public var problems: [String]

    /// All sentences.
    public var description: String { self.problems.joined(separator: "; ") }
}
