// The program: it loads itself, or is the one that is called.

import Foundation

/// `opsload-grpc`: what `opsload cluster` measures, by gRPC.
@main
struct OpsloadGRPC {
    static let usage = """
        Usage: opsload-grpc SCENARIO [--eager] [--out FILE]
               opsload-grpc serve [--eager]

        Measures calls between two processes of this machine, in the clear, by gRPC. The scenario
        is one of `opsload cluster`. With --eager a flush is not held back for others to join it.

        """

    static func main() async {
        var words = Array(CommandLine.arguments.dropFirst())
        let isEager = words.contains("--eager")
        words.removeAll { $0 == "--eager" }
        do {
            if words == ["serve"] {
                try await EchoServer.run(isEager: isEager)
            } else if words.count == 1 {
                try await GRPCMeasurement(words[0], isEager: isEager).run(out: nil)
            } else if words.count == 3, words[1] == "--out" {
                try await GRPCMeasurement(words[0], isEager: isEager).run(out: words[2])
            } else {
                Self.end(Self.usage, 64)
            }
        } catch {
            Self.end("opsload-grpc: \(error)\n", 1)
        }
    }

    private static func end(_ text: String, _ code: Int32) -> Never {
        FileHandle.standardError.write(Data(text.utf8))
        exit(code)
    }
}

/// Something that keeps a load test from being one: a sentence.
struct LoadError: Error, CustomStringConvertible {
    var description: String

    init(_ description: String) { self.description = description }
}
