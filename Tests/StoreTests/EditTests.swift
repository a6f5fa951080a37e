// Decides that of two editors at once one wins and the other hears of it.

import PulserIR
import Store
import Testing

@Suite(.timeLimit(.minutes(2)))
struct EditTests {
    @Test("of two editors of a session one wins and the other is told")
    func sessions() async throws {
        try await StoreBed.with { bed in
            try await bed.store.createSession(name: "s", intent: "old")
            let seen = try await bed.store.session("s")
            let codes = await withTaskGroup(of: StoreError.Code?.self) { group in
                for number in 0..<2 {
                    group.addTask {
                        await code {
                            _ = try await bed.store.updateSession(
                                seen.id,
                                intent: "new \(number)",
                                context: nil,
                                revision: seen.revision
                            )
                        }
                    }
                }
                return await group.reduce(into: []) { $0.append($1) }
            }
            #expect(codes.filter { $0 == nil }.count == 1)
            #expect(codes.contains(.stale))
            let now = try await bed.store.session(String(seen.id))
            #expect(now.revision == seen.revision + 1)
            #expect(now.intent.hasPrefix("new "))
        }
    }

    @Test("a session with open runs is cancelled with them, and takes no more")
    func cancelled() async throws {
        try await StoreBed.with { bed in
            try await bed.store.createSession(name: "s", intent: "")
            let lane = try await bed.store.ensureLane(session: "s", lane: "l")
            let other = try await bed.store.ensureLane(session: "default", lane: "l")
            _ = try await bed.enqueue(3, lane: lane)
            _ = try await bed.enqueue(1, lane: other)
            let refused = await code {
                _ = try await bed.store.endSession(name: "s", as: .completed)
            }
            #expect(refused == .conflict)
            #expect(try await bed.store.endSession(name: "s", as: .cancelled, reason: "no") == 3)
            #expect(try await bed.store.openCounts(session: nil) == ["queued": 1])
            #expect(await code { _ = try await bed.enqueue(1, lane: lane) } == .conflict)
            try await bed.store.endSession(name: "s", as: .archived)
            #expect(try await bed.store.session("s").status == "archived")
            let pages = try await bed.store.sessionPage(
                statuses: ["archived"],
                text: nil,
                before: nil,
                limit: 10
            )
            #expect(pages.rows.map(\.name) == ["s"])
        }
    }

    @Test("a template keeps every plan it stood for, and counts on after it was deleted")
    func templates() async throws {
        try await StoreBed.with { bed in
            let red = planRow("red")
            func put(_ plan: PlanRow, _ revision: Int64?) async throws -> TemplateRow {
                try await bed.store.putTemplate(
                    "t",
                    plan: plan.digest,
                    plans: [plan],
                    title: plan.name,
                    revision: revision
                )
            }
            #expect(try await put(samplePlan, 0).revision == 1)
            #expect(await code { _ = try await put(red, 0) } == .stale)
            #expect(try await put(red, 1).revision == 2)
            #expect(await code { try await bed.store.deleteTemplate("t", revision: 1) } == .stale)
            try await bed.store.deleteTemplate("t", revision: 2)
            #expect(await code { _ = try await bed.store.template("t") } == .notFound)
            #expect(try await put(samplePlan, nil).revision == 3)
            let versions = try await bed.store.templateVersions("t", before: nil, limit: 2)
            #expect(versions.rows.map(\.revision) == [3, 2])
            let rest = try await bed.store.templateVersions("t", before: versions.next, limit: 2)
            #expect(rest.rows.map(\.title) == ["sample"])
            #expect(try await bed.store.templates(after: nil, limit: 5).rows.map(\.name) == ["t"])
            let unknown = await code {
                _ = try await bed.store.putTemplate(
                    "u",
                    plan: planRow("unknown").digest,
                    plans: [],
                    title: "",
                    revision: nil
                )
            }
            #expect(unknown == .notFound)
        }
    }

    @Test("many writers of a template at once leave as many versions without a gap")
    func templateRace() async throws {
        try await StoreBed.with { bed in
            await withDiscardingTaskGroup { group in
                for number in 0..<12 {
                    group.addTask {
                        _ = try? await bed.store.putTemplate(
                            "t",
                            plan: samplePlan.digest,
                            plans: [samplePlan],
                            title: "\(number)",
                            revision: nil
                        )
                    }
                }
            }
            let versions = try await bed.store.templateVersions("t", before: nil, limit: 50)
            #expect(versions.rows.map(\.revision) == (1...12).reversed())
            #expect(try await bed.store.template("t").revision == 12)
        }
    }
}
