// A plan's steps as they are drawn, as JSON.

import PulserIR
import StateMachines

enum GraphDocument {
    static func json(_ plan: Plan, _ digest: Digest) -> JSONValue {
        let layout = GraphLayout(plan.steps.map { GraphLayout.Node(id: $0.id, needs: $0.needs) })
        return .object([
            "version": .integer(1), "digest": .string(digest.description),
            "name": .string(plan.name), "width": .integer(Int64(layout.width)),
            "height": .integer(Int64(layout.height)),
            "nodes": .array(zip(plan.steps, layout.places).map { Self.json($0, at: $1) }),
            "edges": .array(layout.edges.map(Self.json)),
            "edges_is_more": .bool(layout.edgesAreMore),
        ])
    }

    private static func json(_ step: Step, at place: GraphLayout.Place) -> JSONValue {
        var members: [String: JSONValue] = [
            "id": .string(step.id), "kind": .string(step.action.kind),
            "x": .integer(Int64(place.x)), "y": .integer(Int64(place.y)),
            "width": .integer(Int64(GraphLayout.nodeWidth)),
            "height": .integer(Int64(GraphLayout.nodeHeight)),
            "rank": .integer(Int64(place.rank)),
            "needs": .array(step.needs.map { .string($0) }),
            "effects": .string(step.effects.rawValue),
            "verifiers": .integer(Int64(step.verify.count)),
        ]
        members["title"] = step.title.map { .string($0) } ?? .null
        // What each item of a list does, and the plan that a step runs.
        members["item_kind"] = .null
        members["runs_plan"] = .null
        var action = step.action
        if case .fanOut(let fan) = action {
            members["item_kind"] = .string(fan.action.kind)
            action = fan.action
        }
        if case .run(let child) = action { members["runs_plan"] = .string(child.planDigest) }
        return .object(members)
    }

    private static func json(_ edge: GraphLayout.Edge) -> JSONValue {
        .object([
            "from": .string(edge.from), "to": .string(edge.to),
            "points": .array(
                edge.points.map { .array([.integer(Int64($0.x)), .integer(Int64($0.y))]) }
            ),
        ])
    }
}
