// `opsroom lanes set`: a lane's settings, changed while it works.

import ArgumentParser
import ControlRoom
import PulserIR
import Store

extension LanesCommand {
    struct Change: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "set",
            abstract:
                "Change how many runs of a lane go at once, how fast they begin, which first.",
            discussion: """
                A rate is COUNT/TIME[:BURST]: 100/m lets one run begin every 600 ms, 100/m:20 up to
                20 at once after a time of rest. 'none' takes a limit away; --ageing none has a level
                of priority outweigh any waiting. With --worker external programs of your own take the
                lane's runs over the API; what a node has begun it ends itself.

                Examples:
                  opsroom lanes set billing/B --width 4 --priority 10
                  opsroom lanes set billing/B --key-width 1 --key-rate 10/m
                  opsroom lanes set billing/B --limit bank --rate none
                  opsroom lanes set billing/mail --worker external
                """
        )

        /// Who works a lane's runs, as the API calls them.
        enum Worker: String, ExpressibleByArgument, CaseIterable {
            case room
            case external
        }

        @Argument(help: ArgumentHelp("The lane.", valueName: "session/lane")) var lane: String
        @Option(help: "Runs at once, from 1 to 1000.") var width: Int?
        @Option(help: "Lanes of higher priority are served first.") var priority: Int?
        @Option(help: "Runs of one key at once, or none.") var keyWidth: String?
        @Option(help: "How many of its runs may begin in a time, or none.") var rate: String?
        @Option(help: "The same of each key, or none.") var keyRate: String?
        @Option(help: "How long a run waits for what a level of priority is worth, or none.")
        var ageing: String?
        @Option(help: "A limit that it shares (opsroom limits); repeat for more, or none.")
        var limit: [String] = []
        @Option(help: "Who works its runs: the room's nodes, or programs outside.")
        var worker: Worker?
        @OptionGroup var output: OutputOptions
        @OptionGroup var place: PlaceOptions

        func validate() throws {
            _ = try LanePath(self.lane)
            if let width, !(1...1_000).contains(width) {
                throw ValidationError("the width must be from 1 to 1000")
            }
            if let priority, !(-1_000_000...1_000_000).contains(priority) {
                throw ValidationError("the priority must be from -1,000,000 to 1,000,000")
            }
            guard try !self.settings().isEmpty else {
                throw ValidationError("say what changes, such as --width or --rate")
            }
        }

        func run() async throws {
            let path = try LanePath(self.lane)
            let settings = try self.settings()
            let lane = try await self.place.access { room in
                try await room.setLane(path.lane, of: path.session, settings)
            }
            guard self.output.output == .table else { return self.output.printJSON(lane) }
            let rules = LaneWords.rules(lane).map { ", \($0.name) \($0.value)" }.joined()
            Terminal.output.line(
                "lane \(self.lane): width \(lane["width"]?.integerValue ?? 0), "
                    + "priority \(lane["priority"]?.integerValue ?? 0)\(rules)"
            )
        }

        /// The members of the change.
        private func settings() throws -> [String: JSONValue] {
            var members: [String: JSONValue] = [:]
            members["width"] = self.width.map { .integer(Int64($0)) }
            members["priority"] = self.priority.map { .integer(Int64($0)) }
            members["worker"] = self.worker.map { .string($0.rawValue) }
            members["key_width"] = try self.value(self.keyWidth) { text in
                guard let number = Int64(text), (1...1_000).contains(number) else {
                    throw ValidationError("--key-width must be from 1 to 1000, or none")
                }
                return .integer(number)
            }
            members["rate"] = try self.value(self.rate) { try Self.rate("--rate", $0) }
            members["key_rate"] = try self.value(self.keyRate) {
                try Self.rate("--key-rate", $0)
            }
            members["ageing_ms"] = try self.value(self.ageing) { text in
                guard let time = DurationOption(argument: text)?.duration,
                    time >= .milliseconds(1), time <= .seconds(365 * 86_400)
                else {
                    throw ValidationError("--ageing is a time of 1ms to 365d, or none")
                }
                return .integer(Int64(time / .milliseconds(1)))
            }
            if !self.limit.isEmpty {
                let names = self.limit == ["none"] ? [] : self.limit
                members["limits"] = .array(names.map { .string($0) })
            }
            return members
        }

        private func value(
            _ text: String?,
            _ read: (String) throws -> JSONValue
        ) throws -> JSONValue? {
            try text.map { $0 == "none" ? .null : try read($0) }
        }

        private static func rate(_ name: String, _ text: String) throws -> JSONValue {
            guard let rate = Rate(text) else {
                throw ValidationError("\(name) '\(text)' is no rate: \(Rate.form), or none")
            }
            return .string(rate.description)
        }
    }
}

/// A lane's rules in words.
enum LaneWords {
    /// Those that are set, by name.
    static func rules(_ lane: JSONValue) -> [(name: String, value: String)] {
        var rules: [(name: String, value: String)] = []
        if let worker = lane["worker"]?.stringValue, worker != LaneWorker.room.rawValue {
            rules.append(("worker", worker))
        }
        if let width = lane["key_width"]?.integerValue {
            rules.append(("key width", String(width)))
        }
        if let rate = lane["rate"]?.stringValue { rules.append(("rate", rate)) }
        if let rate = lane["key_rate"]?.stringValue { rules.append(("key rate", rate)) }
        let limits = (lane["limits"]?.arrayValue ?? []).compactMap(\.stringValue)
        if !limits.isEmpty { rules.append(("limits", limits.joined(separator: ", "))) }
        let ageing = lane["ageing_ms"]?.integerValue
        if ageing != 60_000 {
            rules.append(("ageing", ageing.map { Wording.duration(milliseconds: $0) } ?? "none"))
        }
        return rules
    }
}
