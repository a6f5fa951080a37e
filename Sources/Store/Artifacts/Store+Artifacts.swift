// Reading artifacts; the writer stores them with the step's result.

internal import Postgres
public import PulserIR

/// An artifact without its bytes.
public struct ArtifactRow: Sendable, Hashable {
    /// The step that left it.
    public var step: String
    /// Its name.
    public var name: String
    /// SHA-256 of its bytes.
    public var digest: Digest
    /// Its size in bytes.
    public var size: Int64
    /// Its media type.
    public var mediaType: String
    /// Its bytes, when they are to be kept in Postgres; `nil` when they lie in the data directory.
    public var content: [UInt8]?
    /// Whether the bytes lie in Postgres.
    public var isInline: Bool

    /// Describes an artifact to store.
    public init(
        step: String,
        name: String,
        digest: Digest,
        size: Int64,
        mediaType: String,
        content: [UInt8]?
    ) {
        self.step = step
        self.name = name
        self.digest = digest
        self.size = size
        self.mediaType = mediaType
        self.content = content
        self.isInline = content != nil
    }
}

extension Store {
    /// The artifacts of a run, without their bytes.
    public func artifacts(_ run: RunID) async throws(StoreError) -> [ArtifactRow] {
        let rows = try await self.execute(ArtifactsSQL.list, [.int8(run.number)])
        var artifacts: [ArtifactRow] = []
        for index in 0..<rows.count {
            let row = StoreRow(rows: rows, index: index)
            guard let digest = Digest(bytes: try row.bytes(2)) else {
                throw StoreError(.corrupt, "an artifact's digest cannot be read")
            }
            var artifact = ArtifactRow(
                step: try row.text(0),
                name: try row.text(1),
                digest: digest,
                size: try row.int64(3),
                mediaType: try row.text(4),
                content: nil
            )
            artifact.isInline = try row.bool(5)
            artifacts.append(artifact)
        }
        return artifacts
    }

    /// The bytes of an artifact kept in Postgres; `nil` when they lie in the data directory.
    public func artifactContent(
        _ run: RunID,
        step: String,
        name: String
    ) async throws(StoreError) -> [UInt8]? {
        let rows = try await self.execute(
            ArtifactsSQL.content,
            [.int8(run.number), .text(step), .text(name)]
        )
        guard rows.count == 1 else { throw StoreError(.notFound, "there is no such artifact") }
        return try rows.first().bytesIfPresent(0)
    }
}
