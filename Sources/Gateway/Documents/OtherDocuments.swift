// Templates, bulk actions, nodes and lines of a log as JSON.

import Compiler
public import PulserIR
public import Store

enum TemplateDocument {
    static func json(_ row: TemplateRow) -> JSONValue {
        .object([
            "name": .string(row.name), "plan_digest": .string(row.plan.description),
            "plan": .string(row.planName), "title": .string(row.title),
            "revision": .integer(row.revision),
            "stored_at": .string(Timestamp.text(milliseconds: row.storedMilliseconds)),
        ])
    }

    /// A version as it was written; without files where it was made of a stored plan.
    static func json(_ row: TemplateRow, _ files: TemplateFiles?) -> JSONValue {
        .object([
            "version": .integer(1), "name": .string(row.name),
            "plan_digest": .string(row.plan.description), "title": .string(row.title),
            "revision": .integer(row.revision),
            "source": files.flatMap { $0.texts[$0.main] }.map { .string($0) } ?? .null,
            "files": files.map { .object($0.texts.mapValues { .string($0) }) } ?? .null,
            "main": files.map { .string($0.main) } ?? .null,
        ])
    }
}

/// Actions on many runs.
public enum BulkDocument {
    /// An action with its progress.
    public static func json(_ row: BulkRow) -> JSONValue {
        .object([
            "id": .string(String(row.id)), "action": .string(row.action.rawValue),
            "filter": Self.brief((try? JSONValue(parsing: row.filter)) ?? .object([:])),
            "reason": .string(row.reason), "by": .string(row.actor),
            "status": .string(row.status), "revision": .integer(row.revision),
            "progress": .object([
                "total": .integer(row.total), "ok": .integer(row.ok),
                "skipped": .integer(row.skipped), "failed": .integer(row.failed),
                "pending": .integer(row.total - row.ok - row.skipped - row.failed),
            ]),
            "created_at": .string(Timestamp.text(milliseconds: row.createdMilliseconds)),
            "ended_at": RunDocument.time(row.endedMilliseconds),
        ])
    }

    /// A filter with the number of the runs that it names instead of their ids.
    static func brief(_ filter: JSONValue) -> JSONValue {
        guard case .object(var members) = filter, let runs = members["run"] else { return filter }
        switch runs {
        case .array(let ids): members["run"] = .integer(Int64(ids.count))
        case .string: members["run"] = .integer(1)
        default: break
        }
        return .object(members)
    }

    /// What came of one of its runs.
    public static func json(_ item: BulkItem) -> JSONValue {
        .object([
            "run": .string(item.run.description), "state": .string(item.state.rawValue),
            "reason": item.reason.map { .string($0) } ?? .null,
        ])
    }
}

enum NodeDocument {
    static func json(_ row: NodeDetail) -> JSONValue {
        .object([
            "number": .integer(row.node.epoch.number), "name": .string(row.node.name),
            "address": .string(row.node.address), "status": .string(row.node.status),
            "lease_ms": .integer(row.node.leaseMilliseconds),
            "shards": .integer(row.node.shards), "runs": .integer(row.runs),
            "build": .string(row.node.build),
            "started_at": .string(Timestamp.text(milliseconds: row.startedMilliseconds)),
        ])
    }
}

enum LogDocument {
    static func json(_ line: LogLine) -> JSONValue {
        var members: [String: JSONValue] = [
            "line": .integer(line.number), "seq": .integer(line.sequence),
            "at": .string(line.at), "step": .string(line.step),
            "attempt": .integer(line.attempt), "stream": .string(line.stream),
            "level": .string(line.level.rawValue), "text": .string(line.text),
        ]
        if line.isCut { members["truncated"] = .bool(true) }
        return .object(members)
    }

    static func json(_ finding: LogFinding) -> JSONValue {
        guard case .object(var members) = Self.json(finding.line) else { return .null }
        members["before"] = .array(finding.before.map(Self.json))
        members["after"] = .array(finding.after.map(Self.json))
        return .object(members)
    }
}

enum PlanDocument {
    /// A finding as `-o json` of the command line promises it.
    static func json(_ finding: Diagnostic) -> JSONValue {
        .object([
            "severity": .string(finding.severity.rawValue), "file": .string(finding.file),
            "line": .integer(Int64(finding.line)), "column": .integer(Int64(finding.column)),
            "message": .string(finding.message),
            "hint": finding.hint.map { .string($0) } ?? .null,
        ])
    }
}
