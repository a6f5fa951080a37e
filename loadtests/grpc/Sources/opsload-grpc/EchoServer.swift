// The server: one event loop, one method that gives back what it gets; its port is printed.

import Foundation
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import NIOPosix

/// The method as generated code would register it.
struct EchoService: RegistrableRPCService {
    static let echo = MethodDescriptor(
        fullyQualifiedService: "opsload.Echo",
        method: "Echo",
        type: .unary
    )

    func registerMethods<Transport: ServerTransport>(with router: inout RPCRouter<Transport>) {
        router.registerHandler(
            forMethod: Self.echo,
            deserializer: EchoCoding(),
            serializer: EchoCoding()
        ) { request, _ in
            let request = try await ServerRequest(stream: request)
            return StreamingServerResponse(single: ServerResponse(message: request.message))
        }
    }
}

/// The process that is called.
enum EchoServer {
    /// Answers until standard input ends.
    static func run(isEager: Bool) async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let transport = HTTP2ServerTransport.Posix(
            address: .ipv4(host: "127.0.0.1", port: 0),
            transportSecurity: .plaintext,
            config: .defaults { config in
                // As many as may be asked for at once: none waits for a stream.
                config.http2.maxConcurrentStreams = 16_384
                if isEager { config.connection.flushCoalescing = nil }
            },
            eventLoopGroup: group
        )
        let server = GRPCServer(transport: transport, services: [EchoService()])
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await server.serve() }
            let address = try await server.transport.listeningAddress
            FileHandle.standardOutput.write(Data("\(address.ipv4?.port ?? 0)\n".utf8))
            tasks.addTask {
                try await NIOThreadPool.singleton.runIfActive {
                    while !FileHandle.standardInput.availableData.isEmpty {}
                }
            }
            try await tasks.next()
            server.beginGracefulShutdown()
            tasks.cancelAll()
        }
        try await group.shutdownGracefully()
    }
}
