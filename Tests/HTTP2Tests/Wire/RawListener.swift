// A listening socket on loopback, for tests in which the server is the one that misbehaves.

import Glibc

/// Accepts connections one by one.
final class RawListener: Sendable {
    private let descriptor: Int32
    /// The port the system chose.
    let port: Int

    init() throws {
        self.descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = RawSocket.loopback(0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = self.descriptor
        let code = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 && listen(descriptor, 16) == 0
                    ? getsockname(descriptor, $0, &length) : -1
            }
        }
        self.port = Int(UInt16(bigEndian: address.sin_port))
        guard code == 0 else { throw WireFailure("nothing can be listened on") }
    }

    deinit { Glibc.close(self.descriptor) }

    /// The next connection.
    func accept() throws -> RawSocket {
        var entry = pollfd(fd: self.descriptor, events: Int16(POLLIN), revents: 0)
        guard poll(&entry, 1, Int32(RawSocket.patience.components.seconds) * 1_000) == 1 else {
            throw WireFailure("nobody connected")
        }
        let connection = Glibc.accept(self.descriptor, nil, nil)
        guard connection >= 0 else { throw WireFailure("accept failed") }
        return RawSocket(adopting: connection)
    }
}
