// Decides when a token that was made before the cluster's first node is taken in: while there is no other.

import Foundation
import Gateway
import Store

/// A file with a token that was made beforehand and lets the first administrator in.
struct FirstTokenFile: Sendable {
    let path: String

    /// Stores the file's token, as its hash, while no token may do everything; any number of nodes
    /// may do so at once. Later the file is not even read.
    ///
    /// - Parameter store: The cluster's.
    /// - Returns: The token's public half when it was stored now.
    /// - Throws: `notFound`, `usage` or `refused` when the file cannot be used, `refused` when its
    ///   token was revoked; what the database says.
    func provide(to store: Store) async throws(RoomError) -> String? {
        if try await Self.hasAdmin(store) { return nil }
        let token = try self.read()
        do throws(StoreError) {
            return try await store.createToken(token).id
        } catch {
            guard error.code == .conflict else { throw RoomError(error) }
        }
        // Another node was faster, or the token has had its time.
        if try await Self.hasAdmin(store) { return nil }
        throw RoomError(
            .refused,
            "the token \(token.id) of \(self.path) was revoked, and there is no other that may do "
                + "everything",
            next: "opsroom tokens first"
        )
    }

    private static func hasAdmin(_ store: Store) async throws(RoomError) -> Bool {
        do throws(StoreError) {
            return try await store.hasAdminToken()
        } catch {
            throw RoomError(error)
        }
    }

    private func read() throws(RoomError) -> NewToken {
        let text = try TextFile.require(self.path)
        guard let facts = FileFacts(following: self.path), facts.mode & 0o007 == 0 else {
            throw RoomError(
                .refused,
                "\(self.path) lets its reader do everything, and everybody on this machine can "
                    + "read it",
                next: "chmod o= \(ShellWord.quoted(self.path))"
            )
        }
        let line = text.trimmingCharacters(in: .whitespacesAndNewlines)
        guard let token = TokenText(line[...]) else {
            throw RoomError(
                .usage,
                "\(self.path) holds no token",
                next: "opsroom tokens first > \(ShellWord.quoted(self.path))"
            )
        }
        return token.stored(name: "first token of the cluster", scope: .admin)
    }
}
