// Declarations that cannot be used are refused before anything listens.

import Distributed
import Testing

@testable import Cluster

/// Two names with the same number: FNV-1a's collisions are known.
private distributed actor Colliding: ClusterActor {
    typealias ActorSystem = ClusterSystem
    static let kind = ActorKind("test.colliding")
    static let methods: [ClusterMethod<Colliding>] = [
        ClusterMethod("costarring") { try await $0.first() },
        ClusterMethod("liquid") { try await $0.second() },
    ]
    distributed func first() {}
    distributed func second() {}
}

private distributed actor Double: ClusterActor {
    typealias ActorSystem = ClusterSystem
    static let kind = ActorKind("test.double")
    static let methods: [ClusterMethod<Double>] = [
        ClusterMethod("one") { try await $0.first() },
        ClusterMethod("two") { try await $0.first() },
    ]
    distributed func first() {}
}

private distributed actor Idle: ClusterActor {
    typealias ActorSystem = ClusterSystem
    static let kind = ActorKind("test.idle")
    static let methods: [ClusterMethod<Idle>] = [ClusterMethod("one") { _ in }]
}

private distributed actor Namesake: ClusterActor {
    typealias ActorSystem = ClusterSystem
    static let kind = ActorKind("test.counter")
    static let methods: [ClusterMethod<Namesake>] = []
}

@Suite("The catalog of actors")
struct CatalogTests {
    private func refusal(_ types: [any ClusterActor.Type]) async -> String {
        do {
            _ = try await ActorCatalog(types)
            return ""
        } catch {
            return error.message
        }
    }

    @Test("each declaration shows its method, by a number that never changes")
    func numbers() async throws {
        let catalog = try await ActorCatalog([Counter.self, Stranger.self])
        let counter = try #require(catalog.entries[Counter.kind])
        #expect(counter.methods.count == Counter.methods.count)
        #expect(Set(counter.methods.values.map(\.target)).count == Counter.methods.count)
        #expect(StableHash.of32("add") == 0x3B39_1274)
        #expect(counter.methods[0x3B39_1274]?.name == "add")
        #expect(counter.methods[StableHash.of32("value")]?.isIdempotent == true)
    }

    @Test("names with the same number, methods named twice and names without a method are refused")
    func broken() async {
        #expect(await self.refusal([Colliding.self]).contains("have the same number; rename one"))
        #expect(await self.refusal([Double.self]).contains("are the same method"))
        #expect(await self.refusal([Idle.self]).contains("calls nothing"))
        #expect(await self.refusal([Counter.self, Namesake.self]).contains("the same kind"))
        #expect(await self.refusal([Counter.self, Stranger.self]).isEmpty)
    }
}
