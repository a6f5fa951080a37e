// What a node's lives work with.

public import Cluster
public import Logging
public import NIOCore
public import PulserIR
public import Store
public import Tools

extension NodeLife {
    /// Connection for notices, store, tools and settings of the node.
    public struct Equipment: Sendable {
        /// Durable state.
        public var store: Store
        /// Hears notices.
        public var listener: Listener
        /// What steps call.
        public var tools: ToolBox
        /// Databases of runs.
        public var scratch: any ScratchDatabases
        /// Settings.
        public var configuration: ExecutionConfiguration
        /// Where the node speaks.
        public var logger: Logger
        /// Called when the database goes away (a sentence) and when it is back (`nil`).
        public var onAvailability: @Sendable (String?) -> Void
        /// Called with what every commit of this node added to the logs; see ``WriterActor``.
        public var onCommitted: (@Sendable ([CommittedChunk]) -> Void)?

        /// The event loops of connections to other nodes.
        public var group: any EventLoopGroup
        /// The time zones of schedules. Default: UTC alone.
        public var zones = TimeZoneLibrary { name throws(ScheduleError) in
            throw ScheduleError("there is no time zone '\(name)' here", hint: "use 'UTC'")
        }
        /// Further actors that other nodes may call. Default none.
        public var actors: [any ClusterActor.Type] = []
        /// Called with the way to other nodes once the node is a member that others can call, and with
        /// `nil` when that life ends. Default nothing.
        public var onSystem: @Sendable (ClusterSystem?) -> Void = { _ in }

        /// Bundles a node's equipment.
        public init(
            store: Store,
            listener: Listener,
            tools: ToolBox,
            scratch: any ScratchDatabases,
            configuration: ExecutionConfiguration,
            logger: Logger,
            group: any EventLoopGroup,
            onAvailability: @escaping @Sendable (String?) -> Void,
            onCommitted: (@Sendable ([CommittedChunk]) -> Void)? = nil
        ) {
            self.store = store
            self.listener = listener
            self.tools = tools
            self.scratch = scratch
            self.configuration = configuration
            self.logger = logger
            self.group = group
            self.onAvailability = onAvailability
            self.onCommitted = onCommitted
        }
    }
}
