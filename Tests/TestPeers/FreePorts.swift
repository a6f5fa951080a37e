// Ports that nobody listens on, for nodes that must be told before they listen.

import NIOCore
import NIOPosix

/// Finds free ports of the loopback address.
public enum FreePorts {
    /// Different ports. Somebody else may take one meanwhile: then the test fails, naming it.
    public static func take(_ count: Int) throws -> [Int] {
        let channels = try (0..<count).map { _ in
            try ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .bind(host: "127.0.0.1", port: 0).wait()
        }
        defer { for channel in channels { try? channel.close().wait() } }
        return channels.compactMap(\.localAddress?.port)
    }
}
