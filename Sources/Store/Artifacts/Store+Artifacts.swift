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
    /// The name of the node whose data directory they lie in; `nil` when that is not known.
    public internal(set) var node: String?

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
        return try rows.decode { row throws(StoreError) in try ArtifactRow(row) }
    }

    /// A page of a run's artifacts, by step and name.
    ///
    /// - Parameters:
    ///   - run: The run.
    ///   - step: With `name` the last one before the page.
    ///   - name: See `step`.
    ///   - limit: At most so many.
    /// - Returns: The artifacts, and whether there are more.
    /// - Throws: `unavailable` when the database cannot answer in time.
    public func artifactPage(
        _ run: RunID,
        after step: String,
        _ name: String,
        limit: Int
    ) async throws(StoreError) -> (rows: [ArtifactRow], hasMore: Bool) {
        let rows = try await self.bounded(
            ArtifactsSQL.page,
            [
                .int8(run.number), .text(step.storable), .text(name.storable),
                .int8(Int64(limit) + 1),
            ]
        )
        let all = try rows.decode { row throws(StoreError) in try ArtifactRow(row) }
        return (Array(all.prefix(limit)), all.count > limit)
    }

    /// The latest artifact of a name.
    ///
    /// - Parameters:
    ///   - run: The run.
    ///   - name: The artifact's name.
    ///   - step: The step that left it; `nil` means the latest.
    /// - Returns: The artifact without its bytes.
    /// - Throws: `notFound`.
    public func artifact(
        _ run: RunID,
        name: String,
        step: String?
    ) async throws(StoreError) -> ArtifactRow {
        let rows = try await self.execute(
            ArtifactsSQL.find,
            [
                .int8(run.number), .text(name.storable),
                step.map { .text($0.storable) } ?? .null,
            ]
        )
        guard rows.count == 1 else {
            throw StoreError(.notFound, "run \(run) has no artifact '\(name.prefix(64))'")
        }
        return try ArtifactRow(rows.first())
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
        guard let bytes = try rows.first().bytesIfPresent(0) else { return nil }
        return try self.seal.opened(bytes, .artifact(run: run, step: step, name: name.storable))
    }
}

extension ArtifactRow {
    init(_ row: StoreRow) throws(StoreError) {
        guard let digest = Digest(bytes: try row.bytes(2)) else {
            throw StoreError(.corrupt, "an artifact's digest cannot be read")
        }
        self.init(
            step: try row.text(0),
            name: try row.text(1),
            digest: digest,
            size: try row.int64(3),
            mediaType: try row.text(4),
            content: nil
        )
        self.isInline = try row.bool(5)
        self.node = try row.textIfPresent(6)
    }
}
