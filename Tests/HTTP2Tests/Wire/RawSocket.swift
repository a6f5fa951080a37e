// A TCP socket on loopback with deadlines: what a peer of our own choosing writes and reads.

import Glibc
import TestKit

/// Something did not come as expected.
struct WireFailure: Error, CustomStringConvertible {
    var description: String

    init(_ description: String) { self.description = description }
}

/// A connected socket. Confined to one thread. The deadlines only bound failures.
final class RawSocket {
    /// How long anything is waited for.
    static let patience = Sanitized.patience(.seconds(20))

    private var descriptor: Int32
    /// Whether the peer has closed its side, or the connection was reset.
    private(set) var isEnded = false
    /// Whether writing failed: the peer does not listen any more.
    private(set) var isBroken = false
    /// Everything written, in order.
    private(set) var written: [UInt8] = []

    /// Takes over a connected descriptor.
    init(adopting descriptor: Int32) {
        self.descriptor = descriptor
        var one: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, 4)
        _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
    }

    /// Connects to a port of this machine; `receiveBytes` is the size of the socket's buffer.
    convenience init(port: Int, receiveBytes: Int32? = nil) throws {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        if var size = receiveBytes {
            setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, 4)
        }
        var address = Self.loopback(port)
        let code = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard code == 0 else {
            let reason = String(cString: strerror(errno))
            Glibc.close(descriptor)
            throw WireFailure("no connection to port \(port): \(reason)")
        }
        self.init(adopting: descriptor)
    }

    deinit { self.close() }

    static func loopback(_ port: Int) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return address
    }

    func close() {
        if self.descriptor >= 0 { Glibc.close(self.descriptor) }
        self.descriptor = -1
        self.isEnded = true
        self.isBroken = true
    }

    /// Says that nothing more will be written.
    func shutdownWriting() { shutdown(self.descriptor, Int32(SHUT_WR)) }

    /// Has the close send a reset instead of a FIN.
    func closeByReset() {
        var now = linger(l_onoff: 1, l_linger: 0)
        setsockopt(
            self.descriptor,
            SOL_SOCKET,
            SO_LINGER,
            &now,
            socklen_t(MemoryLayout<linger>.size)
        )
        self.close()
    }

    /// Writes everything; a peer that has gone is noted in ``isBroken``, not thrown.
    func write(_ bytes: [UInt8]) throws {
        self.written += bytes
        var rest = bytes[...]
        let deadline = ContinuousClock.now + Self.patience
        while !rest.isEmpty, !self.isBroken {
            let count = self.writeNow(rest)
            rest = rest.dropFirst(count)
            if count == 0, !self.isBroken {
                guard try self.await(POLLOUT, until: deadline) else {
                    throw WireFailure("the peer takes no bytes")
                }
            }
        }
    }

    /// Writes what fits now.
    func writeNow(_ bytes: ArraySlice<UInt8>) -> Int {
        let count = bytes.withUnsafeBytes {
            Glibc.send(self.descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
        }
        if count < 0, errno != EAGAIN, errno != EINTR { self.isBroken = true }
        return max(0, count)
    }

    /// Reads what has come, waiting for at least one byte until `deadline`.
    ///
    /// - Returns: `nil` when the deadline has passed; nothing when the peer has closed.
    func read(until deadline: ContinuousClock.Instant) throws -> [UInt8]? {
        while !self.isEnded {
            if let bytes = self.readNow() { return bytes }
            if self.isEnded { break }
            guard try self.await(POLLIN, until: deadline) else { return nil }
        }
        return []
    }

    /// Reads what has come.
    ///
    /// - Returns: `nil` when nothing has.
    func readNow() -> [UInt8]? {
        guard !self.isEnded else { return nil }
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let count = recv(self.descriptor, &buffer, buffer.count, 0)
        if count > 0 { return Array(buffer.prefix(count)) }
        if count == 0 || (errno != EAGAIN && errno != EINTR) { self.isEnded = true }
        return nil
    }

    /// Waits until the socket takes bytes again, or, if asked, has some.
    func awaitSpace(isReading: Bool, until deadline: ContinuousClock.Instant) throws {
        _ = try self.await(isReading ? POLLIN | POLLOUT : POLLOUT, until: deadline)
    }

    private func await(_ events: Int32, until deadline: ContinuousClock.Instant) throws -> Bool {
        var entry = pollfd(fd: self.descriptor, events: Int16(events), revents: 0)
        while true {
            let left = deadline - ContinuousClock.now
            guard left > .zero else { return false }
            let milliseconds =
                left.components.seconds * 1_000 + 1
                + left.components.attoseconds / 1_000_000_000_000_000
            let count = poll(&entry, 1, Int32(milliseconds))
            if count > 0 { return true }
            if count < 0, errno != EINTR { throw WireFailure("poll failed") }
        }
    }
}
