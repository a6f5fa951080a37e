// An actor of this node with its mailbox.

internal import Distributed

/// What a node keeps of an actor: whoever made the actor owns it.
final class ActorCell: Sendable {
    let address: ActorAddress
    let entry: ActorCatalog.Entry
    let mailbox: Mailbox
    weak let actor: (any ClusterActor)?

    init(
        _ actor: any ClusterActor,
        address: ActorAddress,
        entry: ActorCatalog.Entry,
        mailbox: Mailbox
    ) {
        self.actor = actor
        self.address = address
        self.entry = entry
        self.mailbox = mailbox
    }
}
