// The arguments and the result of a distributed method between the runtime and the wire.

public import Distributed
internal import Synchronization

/// The arguments of a call that is being made; encoded only if the call leaves the node.
public struct ClusterInvocationEncoder: DistributedTargetInvocationEncoder {
    /// What can cross between nodes.
    public typealias SerializationRequirement = any Codable

    private(set) var arguments: [LocalValue] = []

    /// Refused: a generic method has no number.
    ///
    /// - Throws: `notEncodable`, always.
    public mutating func recordGenericSubstitution<Value>(_ type: Value.Type) throws {
        throw ClusterError(.notEncodable, "a generic method cannot be called from another node")
    }

    /// Keeps an argument.
    public mutating func recordArgument<Value: Codable>(
        _ argument: RemoteCallArgument<Value>
    ) throws {
        self.arguments.append(LocalValue(value: argument.value))
    }

    /// Nothing to do: the caller says it again.
    public mutating func recordReturnType<Value: Codable>(_ type: Value.Type) throws {}

    /// Nothing to do.
    public mutating func recordErrorType<Failure: Error>(_ type: Failure.Type) throws {}

    /// Nothing to do.
    public mutating func doneRecording() throws {}
}

/// The arguments of a call that is being executed.
public struct ClusterInvocationDecoder: DistributedTargetInvocationDecoder {
    /// What can cross between nodes.
    public typealias SerializationRequirement = any Codable

    private enum Source {
        case values([LocalValue])
        case bytes(BinaryDecoder)
    }

    private var source: Source
    private var index = 0

    init(_ values: [LocalValue]) { self.source = .values(values) }

    init(
        _ bytes: [UInt8],
        from place: Int,
        count: Int,
        limits: BinaryLimits,
        system: ClusterSystem
    ) throws {
        self.source = .bytes(
            try BinaryDecoder(
                bytes,
                from: place,
                values: count,
                limits: limits,
                userInfo: [.actorSystemKey: system]
            )
        )
    }

    /// None: generic methods do not cross.
    public mutating func decodeGenericSubstitutions() throws -> [any Any.Type] { [] }

    /// The next argument.
    ///
    /// - Returns: The argument.
    /// - Throws: When there is none, or another one.
    public mutating func decodeNextArgument<Argument: Codable>() throws -> Argument {
        self.index += 1
        do {
            switch self.source {
            case .values(let values):
                guard self.index <= values.count,
                    let value = values[self.index - 1].value as? Argument
                else { throw BinaryScanner.corrupted("it is missing") }
                return value
            case .bytes(var decoder):
                let value = try decoder.decode(Argument.self)
                self.source = .bytes(decoder)
                return value
            }
        } catch let error as DecodingError {
            throw ArgumentError(
                error: ClusterError(
                    .malformed,
                    "argument \(self.index) cannot be decoded: \(error.reason)"
                )
            )
        }
    }

    /// Not sent.
    public mutating func decodeReturnType() throws -> (any Any.Type)? { nil }

    /// Not sent.
    public mutating func decodeErrorType() throws -> (any Any.Type)? { nil }
}

/// An argument that is not what the method takes: the runtime hands it on as if the method had
/// thrown it.
private struct ArgumentError: Error {
    var error: ClusterError
}

/// Takes the result of a method that was executed.
public final class ClusterResultHandler: DistributedTargetInvocationResultHandler, Sendable {
    /// What can cross between nodes.
    public typealias SerializationRequirement = any Codable

    private let limits: BinaryLimits?
    private let entry: ActorCatalog.Entry
    private let result = Mutex<CallOutcome?>(nil)

    /// Waits for a result.
    ///
    /// - Parameters:
    ///   - limits: How large it may be; `nil` when it stays on this node.
    ///   - entry: Which errors cross.
    init(encoding limits: BinaryLimits?, _ entry: ActorCatalog.Entry) {
        self.limits = limits
        self.entry = entry
    }

    /// How the method ended.
    var outcome: CallOutcome {
        self.result.withLock { $0 } ?? .failure(.malformed, "the method has no result")
    }

    /// Takes a value.
    public func onReturn<Success: Codable>(value: Success) async throws {
        self.set(self.outcome(of: value))
    }

    /// Takes nothing.
    public func onReturnVoid() async throws { self.set(.value([], at: 0)) }

    /// Takes an error.
    public func onThrow<Thrown: Error>(error: Thrown) async throws {
        if let error = error as? ArgumentError {
            self.set(.failure(Failure(error.error)))
        } else {
            self.set(self.limits == nil ? .thrown(error) : .failure(self.failure(error)))
        }
    }

    private func set(_ outcome: CallOutcome) { self.result.withLock { $0 = outcome } }

    private func outcome<Success: Codable>(of value: Success) -> CallOutcome {
        guard let limits = self.limits else { return .local(LocalValue(value: value)) }
        let encoder = BinaryEncoder(limits: limits)
        do {
            try encoder.encode(value)
            return .value(encoder.bytes, at: 0)
        } catch EncodingError.invalidValue(_, let context) {
            return .failure(.notEncodable, "the result cannot be sent: \(context.debugDescription)")
        } catch {
            return .failure(.notEncodable, "the result cannot be sent: \(error)")
        }
    }

    /// An error as callers on other nodes may see it.
    private func failure(_ error: any Error) -> Failure {
        let typeName = String(reflecting: type(of: error))
        let described = ClusterError(.thrown, "\(error)", typeName: typeName)
        guard let limits = self.limits, self.entry.errors[typeName] != nil,
            let value = error as? any Codable
        else { return Failure(described) }
        let encoder = BinaryEncoder(limits: limits)
        guard (try? encoder.encode(value)) != nil else { return Failure(described) }
        return Failure(described, payload: encoder.bytes)
    }
}
