// Large artifacts of other nodes: each node gives parts of its files to those that ask.

import Cluster
import Distributed
import Gateway
import PulserIR
import Synchronization

/// Which part of which file a node wants of another.
struct ArtifactQuestion: Codable, Sendable {
    /// The file's digest, as text.
    var digest: String
    /// Where the part begins.
    var offset: Int64
}

/// What a node has of a file; nothing when it does not have it.
struct ArtifactAnswer: Codable, Sendable {
    var piece: ArtifactPiece?
}

/// Gives parts of a node's large artifacts to other nodes. The node keeps no state of it: whoever asks
/// knows where to go on.
///
/// Owner: ClusterArtifacts. Runs on: default pool; reads on threads for that. Ends: with its life.
distributed actor ArtifactActor: ClusterActor {
    typealias ActorSystem = ClusterSystem

    static let kind = ActorKind("artifacts")
    static let traffic = Traffic.bulk
    // A part waits in memory for each.
    static let mailboxMax = 64
    static let methods: [ClusterMethod<ArtifactActor>] = [
        ClusterMethod("piece", isIdempotent: true) {
            _ = try await $0.piece(ArtifactQuestion(digest: "", offset: 0))
        }
    ]

    private let folder: ArtifactFolder

    init(_ folder: ArtifactFolder, actorSystem: ClusterSystem) {
        self.folder = folder
        self.actorSystem = actorSystem
    }

    /// A part of a file.
    distributed func piece(_ question: ArtifactQuestion) async throws -> ArtifactAnswer {
        guard let digest = Digest(question.digest) else { return ArtifactAnswer() }
        return ArtifactAnswer(piece: try await self.folder.piece(of: digest, at: question.offset))
    }
}

/// A node's way to the artifacts of others, and theirs to its own.
///
/// Owner: RoomNode. Ends: with the node; between its lives nobody can be asked.
final class ClusterArtifacts: ArtifactPeers {
    /// How long a part may take.
    private static let patience: Duration = .seconds(5)

    private let folder: ArtifactFolder
    private let life = Mutex<(system: ClusterSystem, actor: ArtifactActor)?>(nil)

    /// Serves the files of a folder.
    init(path: String) { self.folder = ArtifactFolder(path: path) }

    /// Takes the way to others when a life of the node begins, and `nil` when it ends.
    func use(_ system: ClusterSystem?) {
        let folder = self.folder
        let life = system.map { system in
            (system, system.host(.number(0)) { ArtifactActor(folder, actorSystem: $0) })
        }
        self.life.withLock { $0 = life }
    }

    func piece(
        of digest: Digest,
        at offset: Int64,
        from node: NodeEpoch
    ) async throws -> ArtifactPiece? {
        guard let system = self.life.withLock({ $0?.system }) else {
            throw ClusterError(.ended, "this node has no way to others")
        }
        guard system.me != node else { return nil }
        let actor = try system.reference(to: ArtifactActor.self, .number(0), at: .node(node))
        var options = CallOptions()
        options.timeout = Self.patience
        let question = ArtifactQuestion(digest: digest.description, offset: offset)
        return try await withCallOptions(options) { try await actor.piece(question) }.piece
    }
}
