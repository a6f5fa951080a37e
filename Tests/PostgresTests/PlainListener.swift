// Decides what a server without TLS says: the letter N.

import Glibc

/// Answers the first request on a local port with `N`, "no TLS here".
final class PlainListener: Sendable {
    /// Where it listens.
    let port: UInt16
    private let descriptor: Int32

    init() throws {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                _ = bind(descriptor, generic, size)
                _ = getsockname(descriptor, generic, &size)
            }
        }
        listen(descriptor, 4)
        self.port = UInt16(bigEndian: address.sin_port)
        self.descriptor = descriptor
        var thread = pthread_t()
        let argument = UnsafeMutableRawPointer(bitPattern: Int(descriptor) + 1)
        pthread_create(
            &thread,
            nil,
            { argument in
                let listener = Int32(Int(bitPattern: argument) - 1)
                while case let client = accept(listener, nil, nil), client >= 0 {
                    var request = [UInt8](repeating: 0, count: 8)
                    _ = read(client, &request, 8)
                    _ = write(client, "N", 1)
                    close(client)
                }
                return nil
            },
            argument
        )
        pthread_detach(thread)
    }

    deinit {
        shutdown(self.descriptor, Int32(SHUT_RDWR))
        close(self.descriptor)
    }
}
