// How a node finds out whether another one works: a call to it, a call through a third, a connection.

internal import HTTP2
internal import NIOCore
internal import NIOPosix
public import PulserIR
public import StateMachines

/// Talks to other nodes in a member's name: asks whether they work, tells what is theirs.
public protocol Prober: Sendable {
    /// Probes a node.
    ///
    /// - Parameters:
    ///   - node: Which node.
    ///   - via: The node that probes it in this one's place; `nil` for this one itself.
    /// - Returns: What became of it; `nil` for silence.
    func probe(_ node: NodeEpoch, via: NodeEpoch?) async -> PeerMachine.Answer?

    /// Tells a node that shards were handed over to it, so that it looks at once.
    func tell(_ node: NodeEpoch, owns shards: [OwnedShard]) async
}

extension ClusterSystem: Prober {
    /// No probe waits longer: the machine that asks for them gives up sooner.
    private static let patience = Duration.seconds(2)

    /// Probes a node and says what its silence means. Where no link is to be had a connection of its own
    /// tells whether anybody listens there: a link waits after each failure and would tell old news.
    public func probe(_ node: NodeEpoch, via: NodeEpoch?) async -> PeerMachine.Answer? {
        if let via { return await self.ask(via, about: node) }
        do {
            _ = try await self.probe(node, timeout: Self.patience)
            return .alive
        } catch let error as ClusterError {
            switch error.code {
            case .unreachable, .unknownOutcome, .refused, .ended: return await self.knock(at: node)
            default: return nil
            }
        } catch {
            return nil
        }
    }

    private func ask(_ witness: NodeEpoch, about node: NodeEpoch) async -> PeerMachine.Answer? {
        guard
            let actor = try? self.reference(
                to: WitnessActor.self,
                .number(0),
                at: .node(witness)
            )
        else { return nil }
        var options = CallOptions()
        options.timeout = Self.patience
        options.attemptsMax = 1
        let question = WitnessQuestion(node: node.number)
        // Without its word nothing is known: it may be the witness that cannot be reached.
        guard
            let reaches = try? await withCallOptions(
                options,
                { try await actor.reaches(question) }
            )
        else { return nil }
        return reaches ? .alive : .unreachable
    }

    /// Whether anybody listens at a node's address.
    private func knock(at node: NodeEpoch) async -> PeerMachine.Answer? {
        guard let own = self.node, let address = own.directory.address(of: node) else {
            return .reset
        }
        let connecting = ClientBootstrap(group: own.group)
            .connectTimeout(TimeAmount(Self.patience))
            .connect(host: address.host, port: address.port)
        do {
            let channel = try await connecting.get()
            try? await channel.close()
            return .reset
        } catch {
            return Self.isRefusal(error) ? .refused : nil
        }
    }

    private static func isRefusal(_ error: any Error) -> Bool {
        if let error = error as? IOError { return error.errnoCode == ECONNREFUSED }
        guard let error = error as? NIOConnectionError, !error.connectionErrors.isEmpty else {
            return false
        }
        return error.connectionErrors.allSatisfy { Self.isRefusal($0.error) }
    }
}
