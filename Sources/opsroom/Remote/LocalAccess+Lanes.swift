// Settings of lanes and limits that they share, at the door of a data directory.

import ControlRoom
import Gateway
import PulserIR
import Store

extension LocalAccess {
    func setLane(
        _ lane: String,
        of session: String,
        _ settings: [String: JSONValue]
    ) async throws -> JSONValue {
        let store = self.client.store
        let known = try await store.lane(session: store.session(session).id, lane)
        let changed: LaneRow
        do {
            changed = try await LaneDesk(store).change(known, .object(settings))
        } catch let problem as Problem {
            throw Failure(problem)
        }
        let counts = try await store.laneCounts([known.id])
        return SessionDocument.json(changed, counts: counts[known.id] ?? [:])
    }

    func limits() async throws -> [JSONValue] {
        var limits: [NamedLimit] = []
        var cursor: String?
        repeat {
            let page = try await self.client.store.limits(after: cursor, limit: 200)
            limits += page.limits
            cursor = page.next
        } while cursor != nil
        return limits.map(LimitDocument.json)
    }

    func setLimit(_ name: String, _ rate: Rate) async throws -> JSONValue {
        LimitDocument.json(try await self.client.store.setLimit(name, rate))
    }

    func deleteLimit(_ name: String) async throws {
        do {
            try await self.client.store.deleteLimit(name)
        } catch {
            var failure = RoomError(error)
            failure.next = "opsroom limits list"
            throw failure
        }
    }
}
