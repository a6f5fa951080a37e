// Builds that know different methods of an actor call each other in one cluster.

import Distributed
import Testing

@testable import Cluster

/// An actor as an earlier build has it.
distributed actor OlderDesk: ClusterActor {
    typealias ActorSystem = ClusterSystem

    struct Note: Codable, Sendable, Hashable {
        var text: String
    }

    static let kind = ActorKind("test.desk")
    static let methods: [ClusterMethod<OlderDesk>] = [
        ClusterMethod("put") { _ = try await $0.put(Note(text: "")) },
        ClusterMethod("dropped") { try await $0.dropped() },
    ]

    distributed func put(_ note: Note) -> Note { Note(text: "older \(note.text)") }
    distributed func dropped() {}
}

/// The same one later: it has a method more and one less, its notes a field that may be missing.
distributed actor NewerDesk: ClusterActor {
    typealias ActorSystem = ClusterSystem

    struct Note: Codable, Sendable, Hashable {
        var text: String
        var author: String?
    }

    static let kind = ActorKind("test.desk")
    static let methods: [ClusterMethod<NewerDesk>] = [
        ClusterMethod("added") { try await $0.added() },
        ClusterMethod("put") { _ = try await $0.put(Note(text: "")) },
    ]

    distributed func added() {}
    distributed func put(_ note: Note) -> Note {
        Note(text: "newer \(note.text)", author: note.author ?? "nobody")
    }
}

@Suite("Two builds", .timeLimit(.minutes(2)))
struct BuildsTests {
    @Test("what both know works both ways; what the other does not know is told as unimplemented")
    func mixed() async throws {
        let catalogs = [
            try await ActorCatalog([OlderDesk.self]), try await ActorCatalog([NewerDesk.self]),
        ]
        try await ClusterBed.with(catalogs: catalogs) { nodes in
            let (old, new) = (nodes[0], nodes[1])
            let place = old.system.host(.number(1), shard: nil) { OlderDesk(actorSystem: $0) }
            let other = new.system.host(.number(1), shard: nil) { NewerDesk(actorSystem: $0) }
            let newer = try old.system.reference(
                to: OlderDesk.self,
                .number(1),
                at: .node(new.epoch)
            )
            let older = try new.system.reference(
                to: NewerDesk.self,
                .number(1),
                at: .node(old.epoch)
            )
            for _ in 0..<2 {
                #expect(try await newer.put(OlderDesk.Note(text: "a")).text == "newer a")
                let answer = try await older.put(NewerDesk.Note(text: "b", author: "me"))
                #expect(answer == NewerDesk.Note(text: "older b", author: nil))
                // The refused call costs neither the link nor what is called next.
                #expect(await code { try await newer.dropped() } == .unimplemented)
                #expect(await code { try await older.added() } == .unimplemented)
            }
            _ = (place, other)
        }
    }
}
