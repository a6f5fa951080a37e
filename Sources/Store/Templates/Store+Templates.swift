// Templates: a name that stands for a plan, with every plan it stood for.

internal import Postgres
public import PulserIR

/// A template, or one version of it.
public struct TemplateRow: Sendable, Hashable {
    /// Its name.
    public var name: String
    /// The plan it stands for.
    public var plan: Digest
    /// The plan's name.
    public var planName: String
    /// One line for people.
    public var title: String
    /// Rises with every change of the name, a deletion in between included.
    public var revision: Int64
    /// When it was stored, in milliseconds since 1970.
    public var storedMilliseconds: Int64

    init(_ row: StoreRow) throws(StoreError) {
        guard let plan = Digest(bytes: try row.bytes(1)) else {
            throw StoreError(.corrupt, "a template's plan digest cannot be read")
        }
        self.name = try row.text(0)
        self.plan = plan
        self.planName = try row.text(2)
        self.title = try row.text(3)
        self.revision = try row.int64(4)
        self.storedMilliseconds = try row.int64(5)
    }
}

extension Store {
    /// Stores plans without a run.
    public func storePlans(_ plans: [PlanRow]) async throws(StoreError) {
        _ = try await self.transaction([Self.insert(plans)])
    }

    /// Has a name stand for a plan.
    ///
    /// - Parameters:
    ///   - name: The name.
    ///   - plan: A plan of `plans` or one that is stored.
    ///   - plans: Every plan it needs that may be new.
    ///   - files: What it was made of. Default: nothing tells.
    ///   - title: One line for people.
    ///   - revision: The revision its editor saw, 0 for none; `nil` does not compare.
    /// - Returns: The template as it is now.
    /// - Throws: `stale` when somebody changed it meanwhile; `notFound` when the plan is unknown.
    public func putTemplate(
        _ name: String,
        plan: Digest,
        plans: [PlanRow],
        files: TemplateFiles? = nil,
        title: String,
        revision: Int64?
    ) async throws(StoreError) -> TemplateRow {
        var requests = [PostgresRequest(TemplatesSQL.lock, [.text(name)])]
        if !plans.isEmpty { requests.append(Self.insert(plans)) }
        requests += [
            PostgresRequest(
                TemplatesSQL.put,
                [
                    .text(name), .bytes(plan.bytes), .text(title.storable),
                    revision.map { .int8($0) } ?? .null,
                    files.map { .text($0.text.storable) } ?? .null,
                ]
            ),
            PostgresRequest(TemplatesSQL.get, [.text(name)]),
        ]
        let rows = try await self.transaction(requests)
        guard let answer = rows.last, rows[rows.count - 2].count == 1 else {
            _ = try await self.plan(plan)
            throw StoreError(.stale, "the template was changed by somebody else meanwhile")
        }
        return try TemplateRow(answer.first())
    }

    /// The template of a name.
    ///
    /// - Throws: `notFound`.
    public func template(_ name: String) async throws(StoreError) -> TemplateRow {
        let rows = try await self.execute(TemplatesSQL.get, [.text(name.storable)])
        guard rows.count == 1 else {
            throw StoreError(.notFound, "there is no template '\(name.prefix(64))'")
        }
        return try TemplateRow(rows.first())
    }

    /// A version of a template with the files that it was made of.
    ///
    /// - Parameters:
    ///   - name: The template's name.
    ///   - revision: Which version; `nil` is the one that the name stands for.
    /// - Returns: The version; without files where it was made of a plan that was stored.
    /// - Throws: `notFound`; `corrupt` when its files cannot be read.
    public func templateSource(
        _ name: String,
        revision: Int64?
    ) async throws(StoreError) -> (row: TemplateRow, files: TemplateFiles?) {
        let rows = try await self.execute(
            TemplatesSQL.source,
            [.text(name.storable), revision.map { .int8($0) } ?? .null]
        )
        guard rows.count == 1 else {
            let what = revision.map { "revision \($0) of template" } ?? "template"
            throw StoreError(.notFound, "there is no \(what) '\(name.prefix(64))'")
        }
        let row = try rows.first()
        return (try TemplateRow(row), try row.textIfPresent(6).map(TemplateFiles.init(stored:)))
    }

    /// Templates after a name, in the order of their names.
    ///
    /// - Returns: Up to `limit` of them, and whether there are more.
    public func templates(
        after name: String?,
        limit: Int
    ) async throws(StoreError) -> (rows: [TemplateRow], hasMore: Bool) {
        let rows = try await self.bounded(
            TemplatesSQL.page,
            [.text((name ?? "").storable), .int8(Int64(limit) + 1)]
        )
        let all = try rows.decode { row throws(StoreError) in try TemplateRow(row) }
        return (Array(all.prefix(limit)), all.count > limit)
    }

    /// What a name stood for, newest first.
    public func templateVersions(
        _ name: String,
        before revision: Int64?,
        limit: Int
    ) async throws(StoreError) -> Page<TemplateRow> {
        let rows = try await self.bounded(
            TemplatesSQL.versions,
            [.text(name.storable), .int8(revision ?? .max), .int8(Int64(limit) + 1)]
        )
        var all = try rows.decode { row throws(StoreError) in try TemplateRow(row) }
        guard all.count > limit else { return Page(rows: all, next: nil) }
        all.removeLast()
        return Page(rows: all, next: all.last?.revision)
    }

    /// Has a name stand for nothing; its versions stay.
    ///
    /// - Throws: `notFound`; `stale` when somebody changed it meanwhile.
    public func deleteTemplate(_ name: String, revision: Int64?) async throws(StoreError) {
        let rows = try await self.execute(
            TemplatesSQL.delete,
            [.text(name.storable), revision.map { .int8($0) } ?? .null]
        )
        guard rows.count == 1 else {
            _ = try await self.template(name)
            throw StoreError(.stale, "the template was changed by somebody else meanwhile")
        }
    }
}
