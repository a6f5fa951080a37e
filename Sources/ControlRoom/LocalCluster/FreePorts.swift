// Ports of this machine that nobody listens on.

import Glibc

/// Finds ports before their users start. Somebody else may take one meanwhile; whoever listens there is
/// told so, and a node of a local cluster is started again.
public enum FreePorts {
    /// Different ports of the loopback address.
    ///
    /// - Parameter count: How many.
    /// - Returns: The ports.
    /// - Throws: `failed` when the system has none.
    public static func find(_ count: Int) throws(RoomError) -> [Int] {
        var sockets: [Int32] = []
        // Held until all are found, so that no two are the same.
        defer { for socket in sockets { close(socket) } }
        var ports: [Int] = []
        for _ in 0..<count {
            let file = socket(
                AF_INET,
                Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue),
                0
            )
            guard file >= 0 else { throw Self.failure }
            sockets.append(file)
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
            var length = socklen_t(MemoryLayout<sockaddr_in>.size)
            let isBound = withUnsafeMutablePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(file, $0, length) == 0 && getsockname(file, $0, &length) == 0
                }
            }
            guard isBound else { throw Self.failure }
            ports.append(Int(UInt16(bigEndian: address.sin_port)))
        }
        return ports
    }

    private static let failure = RoomError(.failed, "this machine has no free port")
}
