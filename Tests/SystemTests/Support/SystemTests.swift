// Decides that tests with real processes run one after the other: each of them fills the machine.

import Testing

/// Whole nodes, killed, cut off and watched from outside.
@Suite("System", .serialized)
enum SystemTests {}
