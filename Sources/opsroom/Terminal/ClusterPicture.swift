// How a cluster, its nodes and shards read for people.

import PulserIR

/// A cluster's document, drawn.
struct ClusterPicture {
    let cluster: JSONValue

    /// Headline, nodes, suspicions and moves.
    var lines: [String] {
        let terminal = Terminal.output
        var lines = [self.headline, self.shards, ""]
        if self.nodes.isEmpty {
            lines.append(terminal.styled("! no nodes: nothing runs", .yellow))
        } else {
            lines += Self.table(self.nodes).lines()
        }
        for vote in self.cluster["suspicions"]?.arrayValue ?? [] {
            let how = vote["refused"]?.boolValue == true ? "it refuses connections" : "it is silent"
            lines.append(
                terminal.styled("!", .yellow)
                    + " \(Self.text(vote, "voter")) suspects \(Self.text(vote, "target")): \(how), "
                    + "for \(Self.time(vote, "age_ms"))"
            )
        }
        for move in self.cluster["moves"]?.arrayValue ?? [] {
            lines.append(
                terminal.styled("▶", .cyan) + " shard \(Self.number(move, "shard")) goes from "
                    + "\(Self.text(move, "owner")) to \(Self.text(move, "target")), "
                    + "for \(Self.time(move, "state_ms"))"
            )
        }
        return lines
    }

    private var nodes: [JSONValue] { self.cluster["nodes"]?.arrayValue ?? [] }

    private var headline: String {
        let term = self.cluster["coordinator"]
        let who =
            term?.objectValue == nil
            ? "nobody coordinates"
            : "\(Self.text(term, "name")) coordinates, term \(Self.number(term, "epoch")), for "
                + "another \(Self.time(term, "left_ms"))"
        return Terminal.output.styled("view \(Self.number(self.cluster, "view"))", .bold)
            + " · protocol \(Self.number(self.cluster, "protocol")) · \(who)"
    }

    private var shards: String {
        func sum(_ name: String) -> Int64 { self.nodes.reduce(0) { $0 + Self.number($1, name) } }
        let free = Self.number(self.cluster, "free_shards")
        return "\(self.nodes.count) node\(self.nodes.count == 1 ? "" : "s") · "
            + "\(sum("running")) shards served, \(sum("assigned")) given, "
            + "\(sum("handing_off")) moving, \(free) free"
    }

    /// Nodes with what they hold.
    static func table(_ nodes: [JSONValue]) -> Table {
        var table = Table(headers: [
            "NODE", "NAME", "STATUS", "SINCE", "SERVES", "GIVEN", "MOVING", "LEASE", "ZONE",
            "BUILD", "CALLED AT", "ADDRESS",
        ])
        table.style = { column, text in
            switch column {
            case 2: Wording.sign(String(text.dropFirst(2))).style
            case 7: text == "lapsed" ? .red : nil
            default: nil
            }
        }
        table.rows = nodes.map { node in
            let lease = Self.number(node, "lease_ms")
            return [
                String(Self.number(node, "number")), Self.text(node, "name"),
                Wording.status(Self.text(node, "status")), Self.time(node, "status_ms"),
                String(Self.number(node, "running")), String(Self.number(node, "assigned")),
                String(Self.number(node, "handing_off")),
                lease > 0 ? Wording.duration(milliseconds: lease) : "lapsed",
                Self.text(node, "zone").isEmpty ? "–" : Self.text(node, "zone"),
                Self.text(node, "build"),
                Self.text(node, "endpoint").isEmpty ? "–" : Self.text(node, "endpoint"),
                Self.text(node, "address"),
            ]
        }
        return table
    }

    /// Shards, one a row.
    static func table(shards: [JSONValue]) -> Table {
        var table = Table(headers: ["SHARD", "STATE", "OWNER", "TARGET", "GENERATION", "SINCE"])
        table.style = { column, text in
            column == 1 ? Self.style(ofState: text) : nil
        }
        table.rows = shards.map { shard in
            [
                String(Self.number(shard, "shard")), Self.text(shard, "state"),
                shard["owner"]?.stringValue ?? "–", shard["target"]?.stringValue ?? "–",
                String(Self.number(shard, "generation")), Self.time(shard, "state_ms"),
            ]
        }
        return table
    }

    /// Shards of one node, state and target in one row; free ones last.
    static func summary(shards: [JSONValue]) -> Table {
        struct Place: Hashable {
            var owner: String
            var state: String
            var target: String
        }
        let groups = Dictionary(grouping: shards) {
            Place(
                owner: $0["owner"]?.stringValue ?? "",
                state: Self.text($0, "state"),
                target: $0["target"]?.stringValue ?? ""
            )
        }
        let order = groups.keys.sorted {
            ($0.owner.isEmpty ? 1 : 0, $0.owner, $0.state, $0.target)
                < ($1.owner.isEmpty ? 1 : 0, $1.owner, $1.state, $1.target)
        }
        var table = Table(headers: ["NODE", "STATE", "SHARDS", "TARGET", "LONGEST", "NUMBERS"])
        table.style = { column, text in column == 1 ? Self.style(ofState: text) : nil }
        table.rows = order.map { place in
            let rows = groups[place] ?? []
            let longest = rows.map { Self.number($0, "state_ms") }.max() ?? 0
            let numbers = ShardRanges(rows.map { Int32(Self.number($0, "shard")) })
            return [
                place.owner.isEmpty ? "–" : place.owner, place.state, String(rows.count),
                place.target.isEmpty ? "–" : place.target,
                Wording.duration(milliseconds: longest), numbers.text(8),
            ]
        }
        return table
    }

    private static func style(ofState state: String) -> Style {
        state == "running" ? .green : state == "free" ? .yellow : .cyan
    }

    static func text(_ json: JSONValue?, _ name: String) -> String {
        json?[name]?.stringValue ?? ""
    }

    static func number(_ json: JSONValue?, _ name: String) -> Int64 {
        json?[name]?.integerValue ?? 0
    }

    static func time(_ json: JSONValue?, _ name: String) -> String {
        Wording.duration(milliseconds: Self.number(json, name))
    }

    /// Shards that a node holds, in whatever state.
    static func held(_ node: JSONValue) -> Int64 {
        Self.number(node, "running") + Self.number(node, "assigned")
            + Self.number(node, "handing_off")
    }
}
