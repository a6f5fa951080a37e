// What is shown of a test whose peer is not here.

import TestPeers
import Testing

extension Peer {
    /// What to say of a test that cannot be run.
    var notVerified: Comment { Comment(rawValue: self.absence) }
}
