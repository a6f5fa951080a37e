// A node on this machine gives its own user a token, so that the first command needs no ceremony.

import Foundation
import Gateway
import Store

/// Sees to it that the context file lets this machine's user in.
struct FirstToken: Sendable {
    let store: Store
    let data: String
    let environment: [String: String]

    /// What happened.
    enum Outcome: Sendable, Hashable {
        /// The file has a token that works; its address is right now.
        case known(context: String)
        /// A token was made and written.
        case made(context: String, path: String)
        /// There is nowhere to write it, or it could not be written: a sentence.
        case missing(String)
    }

    /// Checks the file, and makes a token when it has none that works for this data directory.
    ///
    /// - Parameters:
    ///   - server: The node's address.
    ///   - authority: PEM file of whom one must trust to speak to it; `nil` means the system's.
    /// - Returns: What happened.
    /// - Throws: When the database cannot be asked.
    func provide(
        server: String,
        authority: String? = nil
    ) async throws(StoreError) -> Outcome {
        let file: ContextFile
        do throws(RoomError) {
            file = try ContextFile.read(environment: self.environment)
        } catch {
            return .missing(error.message)
        }
        guard file.path != nil else {
            return .missing("neither \(ContextFile.pathKey) nor HOME says where tokens are kept")
        }
        if let known = file.context(ofData: self.data),
            try await Self.works(known.token, self.store)
        {
            do throws(RoomError) {
                try ContextFile.storeServer(
                    server,
                    data: self.data,
                    ca: authority,
                    environment: self.environment
                )
            } catch {
                return .missing(error.message)
            }
            return .known(context: known.name)
        }
        return try await self.make(server: server, authority, path: file.path ?? "")
    }

    private func make(
        server: String,
        _ authority: String?,
        path: String
    ) async throws(StoreError) -> Outcome {
        let (text, stored) = TokenText.mint(name: "first token of this machine", scope: .admin)
        _ = try await self.store.createToken(stored)
        do throws(RoomError) {
            let name = try ContextFile.storeToken(
                server: server,
                token: text,
                data: self.data,
                ca: authority,
                environment: self.environment
            )
            return .made(context: name, path: path)
        } catch {
            // A token nobody has is of no use to anybody but a thief.
            try await self.store.revokeToken(stored.id)
            return .missing(error.message)
        }
    }

    /// Whether a token is good for anything.
    static func works(_ text: String?, _ store: Store) async throws(StoreError) -> Bool {
        guard let text, let token = TokenText(text[...]) else { return false }
        let found = try await store.liveTokens([token.id]).first
        return found?.secretHash == token.secretHash
    }
}
