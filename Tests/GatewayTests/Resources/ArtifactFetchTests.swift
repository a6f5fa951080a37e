// Decides that a large artifact is had from every node while the one that has it can be asked.

import Foundation
import HTTPTypes
import PulserIR
import Store
import Synchronization
import TestBed
import Testing

@testable import Gateway

/// Nodes with files, as a test says.
private final class PlayedPeers: ArtifactPeers {
    struct Silence: Error {}

    private let files = Mutex<[NodeEpoch: [UInt8]]>([:])
    private let asked = Mutex<[NodeEpoch]>([])

    /// Who was asked, in order.
    var questions: [NodeEpoch] { self.asked.withLock(\.self) }

    func give(_ bytes: [UInt8], to node: NodeEpoch) {
        self.files.withLock { $0[node] = bytes }
    }

    /// Those without a file of their own are silent; an empty file is one they do not have.
    func piece(
        of digest: PulserIR.Digest,
        at offset: Int64,
        from node: NodeEpoch
    ) async throws -> ArtifactPiece? {
        self.asked.withLock { $0.append(node) }
        guard let bytes = self.files.withLock({ $0[node] }) else { throw Silence() }
        guard !bytes.isEmpty else { return nil }
        let part = bytes.dropFirst(Int(offset)).prefix(ArtifactPiece.bytesMax)
        return ArtifactPiece(size: Int64(bytes.count), bytes: Array(part))
    }
}

@Suite(.timeLimit(.minutes(2)))
struct ArtifactFetchTests {
    private static let bytes = (0..<600_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }

    /// Runs `body` where run's artifact `a` lies with node `far`, beside another node `near`.
    private func with(
        _ body:
            @escaping @Sendable (GatewayBed, PlayedPeers, _ far: NodeEpoch, _ near: NodeEpoch)
            async throws -> Void
    ) async throws {
        let peers = PlayedPeers()
        try await GatewayBed.with(.live, peers: peers) { bed in
            let run = try await bed.store.manyRuns(1, lane: "art")[0]
            var nodes: [NodeEpoch] = []
            for name in ["far", "near"] {
                var node = NewNode(name: name, address: name, build: "test")
                node.endpoint = "\(name).example:1"
                nodes.append(try await bed.store.join(node))
            }
            try await bed.text("UPDATE node SET lease_until = now() + interval '1 h'")
            let hex = PulserIR.Digest(of: Self.bytes).hex
            try await bed.text(
                """
                INSERT INTO artifact (run_id, step, name, digest, size, media_type, node)
                VALUES (\(run.number), 's', 'a', '\\x\(hex)', \(Self.bytes.count), 'text/plain', 'far')
                """
            )
            try await body(bed, peers, nodes[0], nodes[1])
        }
    }

    private func path(_ bed: GatewayBed) async throws -> String {
        let runs = try await bed.get("/v1/runs").json["runs"]?.arrayValue ?? []
        return "/v1/runs/\(runs[0]["id"]?.stringValue ?? "")/artifacts/a"
    }

    @Test("it is pulled piece by piece from the node that has it, once, whatever part is asked for")
    func fetched() async throws {
        try await self.with { bed, peers, far, _ in
            peers.give(Self.bytes, to: far)
            let path = try await self.path(bed)
            let part = try await bed.get(path, [.range: "bytes=262140-262150"])
            #expect(part.status == 206 && part.bytes == Array(Self.bytes[262_140...262_150]))
            #expect(peers.questions == [far, far, far])
            let whole = try await bed.get(path)
            #expect(whole.status == 200 && whole.bytes == Self.bytes)
            #expect(peers.questions.count == 3, "it is here now")
        }
    }

    @Test("another file than the artifact is not taken for it; who else has it is asked")
    func wrong() async throws {
        try await self.with { bed, peers, far, near in
            var bytes = Self.bytes
            bytes[300_000] ^= 1
            peers.give(bytes, to: far)
            peers.give(Self.bytes, to: near)
            let whole = try await bed.get(try await self.path(bed))
            #expect(whole.status == 200 && whole.bytes == Self.bytes)
            #expect(peers.questions.first == far && peers.questions.last == near)
            let drafts = try FileManager.default.contentsOfDirectory(
                atPath: "\(bed.artifacts)/uploads"
            )
            #expect(
                drafts == [PulserIR.Digest(of: Self.bytes).hex],
                "nothing of the other one stays"
            )
        }
    }

    @Test("where it cannot be had it is said which node has it, and what to do")
    func missing() async throws {
        try await self.with { bed, peers, far, near in
            let path = try await self.path(bed)
            func told() async throws -> [String] {
                let answer = try await bed.get(path)
                return [
                    "\(answer.status)", try answer.json["detail"]?.stringValue ?? "",
                    try answer.json["next"]?.stringValue ?? "",
                ]
            }
            let what = "the bytes of artifact 'a' "
            #expect(
                try await told() == [
                    "503", what + "are on node far, which this node cannot ask",
                    "ask node far itself; with peer-listen nodes fetch from each other",
                ]
            )
            // Of its own folder a node knows without asking.
            bed.gateway.equipment.readiness.joined(far)
            #expect(try await told()[0] == "410")
            bed.gateway.equipment.readiness.joined(near)
            #expect(peers.questions.filter { $0 == far }.count == 1)
            peers.give([], to: far)
            #expect(
                try await told() == [
                    "410", what + "were on node far, which does not have them any more",
                    "run the step again: it is made anew",
                ]
            )
            try await bed.store.leave(far)
            #expect(
                try await told() == [
                    "503", what + "are on node far, which is not there",
                    "start node far again, on the data directory it had",
                ]
            )
            #expect(peers.questions.contains(near), "others may have fetched it before")
            bed.gateway.equipment.readiness.joined(nil)
            try await bed.text("UPDATE artifact SET node = NULL")
            #expect(try await told()[0] == "410")
        }
    }
}
