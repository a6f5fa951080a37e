// What the other side of interoperability tests is asked to be: the same echo everywhere.

import HTTPTypes
import NIOCore
import TestPeers
import Testing

@testable import HTTP2

/// The echo: the request's body comes back, its method and path in fields, a trailer behind.
enum Echo {
    /// Our server's handler.
    @Sendable static func answer(_ exchange: any ServerExchange) async {
        var fields = HTTPFields()
        if let name = HTTPField.Name("x-method") { fields[name] = exchange.request.method.rawValue }
        if let name = HTTPField.Name("x-path") { fields[name] = exchange.request.path }
        if let name = HTTPField.Name("x-version") {
            fields[name] = exchange.origin.version.rawValue
        }
        let out = exchange.respond(HTTPResponse(status: .ok, headerFields: fields))
        do {
            for try await chunk in exchange.body { try await out.write(chunk) }
            var trailers = HTTPFields()
            if let name = HTTPField.Name("x-end") { trailers[name] = "complete" }
            out.finish(trailers)
        } catch {
            out.abort()
        }
    }

    /// Holds a client of ours against an echo server: small and large bodies, many at once.
    static func check(_ client: HTTP2Client, hasTrailers: Bool = true) async throws {
        let empty = try await client.send(.to("/empty"))
        #expect(empty.head.status == .ok)
        #expect(try await empty.body.text() == "")
        let large = ByteBuffer(repeating: 120, count: 3_000_000)
        let answer = try await client.send(.to("/large", .post), body: large)
        let back = try await answer.body.collect()
        #expect(back == large)
        if hasTrailers {
            let trailers = await answer.trailers()
            #expect(HTTPField.Name("x-end").flatMap { trailers?[$0] } == "complete")
        }
        let right = try await withThrowingTaskGroup(of: Bool.self) { tasks in
            for index in 0..<200 {
                tasks.addTask {
                    let body = ByteBuffer(string: "number \(index)")
                    let answer = try await client.send(.to("/\(index)", .post), body: body)
                    return try await answer.body.text() == "number \(index)"
                }
            }
            return try await tasks.reduce(into: 0) { $0 += $1 ? 1 : 0 }
        }
        #expect(right == 200)
    }

    /// A server of node's http2 module; prints its port.
    static func nodeServer(certificates: TestCertificates?) -> String {
        let make = certificates.map {
            """
            h.createSecureServer({key:f.readFileSync('\($0.path("server.key"))'),\
            cert:f.readFileSync('\($0.path("server.pem"))')})
            """
        }
        return """
            const h=require('http2'),f=require('fs');
            const s=\(make ?? "h.createServer()");
            s.on('stream',(t,q)=>{
              t.on('error',()=>{});
              t.respond({':status':200,'x-path':q[':path']},{waitForTrailers:true});
              t.on('wantTrailers',()=>t.sendTrailers({'x-end':'complete'}));
              t.pipe(t);
            });
            s.listen(0,'127.0.0.1',()=>console.log(s.address().port));
            """
    }

    /// A client of node's http2 module: echoes a megabyte, prints what it got.
    static func nodeClient(port: Int, certificates: TestCertificates?) -> String {
        let url = certificates == nil ? "http://127.0.0.1:\(port)" : "https://localhost:\(port)"
        let options = certificates.map { "{ca:f.readFileSync('\($0.authorityPath)')}" } ?? "{}"
        return """
            const h=require('http2'),f=require('fs');
            const c=h.connect('\(url)',\(options));
            c.on('error',e=>{console.log('error '+e);process.exit(1)});
            const q=c.request({':path':'/node','\u{3a}method':'POST'});
            let n=0,head={},tail={};
            q.on('response',x=>head=x);q.on('trailers',x=>tail=x);
            q.on('data',d=>n+=d.length);
            q.on('end',()=>{
              console.log([head[':status'],head['x-path'],n,tail['x-end']].join(' '));c.close();
            });
            q.end(Buffer.alloc(1000000,97));
            """
    }
}
