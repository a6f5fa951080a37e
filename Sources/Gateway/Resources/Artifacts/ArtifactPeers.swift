// How this node gets the bytes of large artifacts that lie in the folders of others.

public import PulserIR

/// Other nodes of the cluster, as far as they have bytes of artifacts.
public protocol ArtifactPeers: Sendable {
    /// Asks a node for a part of a file.
    ///
    /// - Parameters:
    ///   - digest: The file.
    ///   - offset: Where the part begins.
    ///   - node: Whom to ask.
    /// - Returns: The part; `nil` when that node does not have the file.
    /// - Throws: When that node cannot be asked, or does not answer in time.
    func piece(
        of digest: Digest,
        at offset: Int64,
        from node: NodeEpoch
    ) async throws -> ArtifactPiece?
}

/// A part of a file, and how large the whole is.
public struct ArtifactPiece: Sendable, Codable, Hashable {
    /// Bytes of a part, at most; fewer are the file's last ones. 256 KiB.
    public static let bytesMax = 256 << 10

    /// Bytes of the whole file.
    public var size: Int64
    /// The part.
    public var bytes: [UInt8]

    /// Describes a part.
    public init(size: Int64, bytes: [UInt8]) {
        self.size = size
        self.bytes = bytes
    }
}

/// The files of large artifacts on this node, as other nodes ask for them.
public struct ArtifactFolder: Sendable {
    private let folder: BlobFolder

    /// Names the folder; it need not be there.
    public init(path: String) { self.folder = BlobFolder(path: path) }

    /// Reads a part of a file.
    ///
    /// - Parameters:
    ///   - digest: The file.
    ///   - offset: Where the part begins.
    /// - Returns: The part; `nil` when there is no such file.
    /// - Throws: When the disk does not give what it has.
    public func piece(of digest: Digest, at offset: Int64) async throws -> ArtifactPiece? {
        guard offset >= 0, let file = try await self.folder.open(digest) else { return nil }
        let bytes = try await BlobFolder.blocking {
            try file.read(at: offset, count: ArtifactPiece.bytesMax)
        }
        return ArtifactPiece(size: file.size, bytes: bytes)
    }
}
