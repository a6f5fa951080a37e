// Signals and approvals from a data directory.

import ControlRoom
import Foundation
import Gateway
import Glibc
import PulserIR
import Store

extension Person {
    /// Whoever runs this program: the account's name, and the account's groups. Who can open the
    /// database can write anything anyway, so this is a record and no lock.
    static var local: Person {
        let name = NSUserName()
        guard let account = getpwnam(name) else { return Person(name: name) }
        var count: Int32 = 256
        var ids = [gid_t](repeating: 0, count: Int(count))
        guard getgrouplist(name, account.pointee.pw_gid, &ids, &count) >= 0 else {
            return Person(name: name)
        }
        let groups = ids.prefix(Int(count)).compactMap { id in
            getgrgid(id).map { String(cString: $0.pointee.gr_name) }
        }
        return Person(name: name, groups: groups)
    }
}

extension LocalAccess {
    private var desk: WaitDesk { WaitDesk(self.client.store) }

    func signal(_ id: RunID, _ order: SignalOrder) async throws -> JSONValue {
        try await Self.taking {
            let sent = try await self.desk.send(
                try await self.client.store.run(id),
                name: order.name,
                payload: order.payload,
                key: order.key.map { "\(Principal.defaultTenant)/\($0)" },
                by: .local
            )
            return WaitDocument.json(sent.row, of: id)
        }
    }

    func signals(_ id: RunID) async throws -> [JSONValue] {
        var rows: [SignalRow] = []
        while true {
            let after = rows.last?.sequence ?? 0
            let page = try await self.client.store.signals(id, after: after, limit: 1_000)
            rows += page
            if page.count < 1_000 { return rows.map { WaitDocument.json($0, of: id) } }
        }
    }

    func approvals(all: Bool, run: RunID?) async throws -> [JSONValue] {
        var rows: [ApprovalRow] = []
        while true {
            let place = rows.last.map { ($0.askedMicroseconds, $0.run) }
            let page = try await self.client.store.openApprovals(
                after: place,
                run: run,
                limit: 1_000
            )
            rows += page
            if page.count < 1_000 { break }
        }
        let person = Person.local
        return rows.filter { all || WaitDocument.refusal($0, person) == nil }
            .map { WaitDocument.json($0, for: person) }
    }

    func decide(_ id: RunID, _ order: DecisionOrder) async throws -> JSONValue {
        try await Self.taking {
            let receipt = try await self.desk.decide(
                try await self.client.store.run(id),
                step: order.step,
                isApproval: order.isApproval,
                form: order.form.isEmpty ? nil : .object(order.form),
                comment: order.comment,
                by: .local
            )
            return WaitDocument.json(
                receipt,
                run: id,
                step: order.step,
                isApproval: order.isApproval,
                by: .local
            )
        }
    }

    /// Puts the command to run next to what the desk says.
    private static func taking<Value>(_ body: () async throws -> Value) async throws -> Value {
        do {
            return try await body()
        } catch let error as WaitError {
            switch error.code {
            case .invalid: throw RoomError(.usage, error.message)
            case .forbidden:
                throw RoomError(
                    .unauthenticated,
                    error.message,
                    next: "opsroom approvals list --all"
                )
            case .decided(let run):
                throw RoomError(.conflict, error.message, next: "opsroom runs show \(run)")
            case .notBegun(let run):
                throw RoomError(
                    .conflict,
                    error.message,
                    next: "decide when it has begun; look at it then: opsroom runs show \(run)"
                )
            case .unknownStep(let run):
                throw RoomError(
                    .notFound,
                    error.message,
                    next: "opsroom approvals list --all --run \(run)"
                )
            case .keyInUse: throw RoomError(.conflict, error.message)
            }
        }
    }
}
