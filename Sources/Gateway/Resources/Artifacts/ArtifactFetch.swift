// Brings a large artifact here from the node that has it, or says where it is and what to do.

import HTTPTypes
import Logging
import PulserIR
import Store

/// Finds the bytes of large artifacts, wherever in the cluster they lie.
///
/// What was fetched is kept like an upload that no run uses, for a day: most who ask for a part of a
/// file ask for another one soon.
struct ArtifactFetch: Sendable {
    /// Files fetched at once; each is written to the disk.
    static let fetchesMax = 4
    /// Nodes that are asked beside the one that should have it.
    static let othersMax = 8

    let store: Store
    let folder: UploadFolder
    let peers: (any ArtifactPeers)?
    /// Knows which node this is.
    let readiness: Readiness
    let gate: RequestGate
    let logger: Logger

    /// Opens an artifact's file, here or after it was brought here.
    ///
    /// - Throws: A problem that names the node that has it.
    func open(_ artifact: ArtifactRow) async throws -> BlobFile {
        if let file = try await self.local(artifact) { return file }
        let nodes = try await self.store.view().nodes
        guard let peers else { throw Self.missing(artifact, nodes, wasAsked: false) }
        guard self.gate.enter() else {
            throw Problem(
                .overloaded,
                "\(Self.fetchesMax) artifacts are being fetched from other nodes",
                next: "send it again in a second",
                fields: [.retryAfter: "1"]
            )
        }
        defer { self.gate.leave() }
        let me = self.readiness.node
        // Its own folder was looked into first of all.
        var wasAsked = nodes.contains { $0.epoch == me && $0.name == artifact.node }
        for node in Self.order(nodes, artifact.node) where node.epoch != me {
            do {
                let first = try await peers.piece(of: artifact.digest, at: 0, from: node.epoch)
                if node.name == artifact.node { wasAsked = true }
                guard let first, first.size == artifact.size else { continue }
                try await self.fetch(artifact, peers, node.epoch, first)
                if let file = try await self.local(artifact) { return file }
            } catch let error as Problem {
                // This node's disk; asking others does not help.
                throw error
            } catch {
                if Task.isCancelled { throw error }
                self.logger.info(
                    "an artifact was not fetched",
                    metadata: ["node": "\(node.name)", "reason": "\(error)"]
                )
            }
        }
        throw Self.missing(artifact, nodes, wasAsked: wasAsked)
    }

    private func local(_ artifact: ArtifactRow) async throws -> BlobFile? {
        let file = try await self.folder.open(artifact.digest)
        return file?.size == artifact.size ? file : nil
    }

    /// Whom to ask: who should have it, then a few others, the youngest first.
    private static func order(_ nodes: [NodeView], _ name: String?) -> [NodeView] {
        let live = nodes.filter { $0.leaseLeft > .zero && $0.isReachable }
        let others = live.filter { $0.name != name }.sorted { $0.epoch > $1.epoch }
        return live.filter { $0.name == name } + others.prefix(Self.othersMax)
    }

    /// Pulls the file piece by piece; keeps it when it is what it should be.
    private func fetch(
        _ artifact: ArtifactRow,
        _ peers: any ArtifactPeers,
        _ node: NodeEpoch,
        _ first: ArtifactPiece
    ) async throws {
        let writer = try await self.folder.make()
        var piece: ArtifactPiece? = first
        while let next = piece, !next.bytes.isEmpty, writer.size < artifact.size {
            try await writer.append(next.bytes)
            guard writer.size < artifact.size else { break }
            piece = try await peers.piece(of: artifact.digest, at: writer.size, from: node)
        }
        guard writer.size == artifact.size, writer.digest == artifact.digest else {
            return self.logger.warning(
                "a node sent another file than the artifact that was asked for",
                metadata: ["node": "\(node.number)", "digest": "\(artifact.digest)"]
            )
        }
        try await writer.keep(artifact.digest)
    }

    /// Where the bytes are, in a sentence, and what to do.
    private static func missing(
        _ artifact: ArtifactRow,
        _ nodes: [NodeView],
        wasAsked: Bool
    ) -> Problem {
        let what = "the bytes of artifact '\(artifact.name)'"
        guard let name = artifact.node else {
            return Problem(
                .gone,
                "\(what) are not on this node",
                next: "ask the node that ran the step"
            )
        }
        guard nodes.contains(where: { $0.name == name && $0.leaseLeft > .zero }) else {
            return Problem(
                .unavailable,
                "\(what) are on node \(name), which is not there",
                next: "start node \(name) again, on the data directory it had"
            )
        }
        return wasAsked
            ? Problem(
                .gone,
                "\(what) were on node \(name), which does not have them any more",
                next: "run the step again: it is made anew"
            )
            : Problem(
                .unavailable,
                "\(what) are on node \(name), which this node cannot ask",
                next: "ask node \(name) itself; with peer-listen nodes fetch from each other"
            )
    }
}
