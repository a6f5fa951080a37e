// Decides how libpq's connection is called: every function once, with Swift types around it.

import CLibpq
import Glibc

/// A libpq connection in non-blocking mode; it must be finished by its owner, once.
// SAFETY: only the thread that owns the connection at the time calls these: first the connecting one, then the poller.
@safe struct LibpqConnection: @unchecked Sendable {
    private let pointer: OpaquePointer

    /// Wraps `pointer` without taking ownership.
    init(_ pointer: OpaquePointer) { unsafe self.pointer = pointer }

    /// What a flush left behind.
    enum FlushOutcome { case done, pending, failed }

    /// What one read of COPY data brought.
    enum CopyRead {
        case data([UInt8])
        case later
        case end
        case failed
    }

    /// Starts connecting; nil when memory is out.
    static func start(_ configuration: PostgresConfiguration) -> LibpqConnection? {
        let pairs: [(String, String)] = [
            ("options", configuration.options),
            ("fallback_application_name", configuration.applicationName),
            ("dbname", configuration.conninfo),
            ("client_encoding", "UTF8"),
        ]
        var keywords = unsafe pairs.map { unsafe UnsafePointer<CChar>?(strdup($0.0)) } + [nil]
        var values = unsafe pairs.map { unsafe UnsafePointer<CChar>?(strdup($0.1)) } + [nil]
        defer {
            for index in pairs.indices {
                unsafe free(UnsafeMutablePointer(mutating: keywords[index]))
                unsafe free(UnsafeMutablePointer(mutating: values[index]))
            }
        }
        guard let pointer = unsafe PQconnectStartParams(&keywords, &values, 1) else { return nil }
        unsafe PQsetNoticeProcessor(pointer, { _, _ in }, nil)
        return unsafe LibpqConnection(pointer)
    }

    var socket: Int32 { unsafe PQsocket(self.pointer) }
    var isBad: Bool { unsafe PQstatus(self.pointer) == CONNECTION_BAD }
    var connectPoll: PostgresPollingStatusType { unsafe PQconnectPoll(self.pointer) }
    var serverVersion: Int { Int(unsafe PQserverVersion(self.pointer)) }
    var backendPID: Int32 { unsafe PQbackendPID(self.pointer) }
    var isBusy: Bool { unsafe PQisBusy(self.pointer) != 0 }
    /// Whether a transaction is open; `nil` while libpq waits for answers, and does not say.
    var isInTransaction: Bool? {
        switch unsafe PQtransactionStatus(self.pointer) {
        case PQTRANS_IDLE: false
        case PQTRANS_ACTIVE: nil
        default: true
        }
    }

    var errorMessage: String {
        guard let text = unsafe PQerrorMessage(self.pointer) else { return "" }
        return Self.tidy(unsafe String(cString: text))
    }

    func setNonblocking() -> Bool { unsafe PQsetnonblocking(self.pointer, 1) == 0 }
    func finish() { unsafe PQfinish(self.pointer) }
    func consumeInput() -> Bool { unsafe PQconsumeInput(self.pointer) != 0 }
    func enterPipeline() -> Bool { unsafe PQenterPipelineMode(self.pointer) != 0 }
    func exitPipeline() -> Bool { unsafe PQexitPipelineMode(self.pointer) != 0 }
    func sync() -> Bool { unsafe PQpipelineSync(self.pointer) != 0 }
    func sendScript(_ sql: String) -> Bool { unsafe PQsendQuery(self.pointer, sql) != 0 }

    func flush() -> FlushOutcome {
        switch unsafe PQflush(self.pointer) {
        case 0: .done
        case 1: .pending
        default: .failed
        }
    }

    /// The next result, or nil at the end of a command; call only when not busy.
    func nextResult() -> PostgresRows? {
        guard let result = unsafe PQgetResult(self.pointer) else { return nil }
        return unsafe PostgresRows(taking: result)
    }

    func sendPrepare(name: String, sql: String, types: [PostgresType]) -> Bool {
        let oids = types.map(\.rawValue)
        return unsafe PQsendPrepare(self.pointer, name, sql, Int32(oids.count), oids) != 0
    }

    func sendExecute(name: String, _ parameters: ParameterEncoder) -> Bool {
        unsafe self.withPointers(parameters) { values in
            unsafe PQsendQueryPrepared(
                self.pointer,
                name,
                Int32(parameters.offsets.count),
                values,
                parameters.byteCounts,
                parameters.formats,
                1
            ) != 0
        }
    }

    func sendQuery(_ sql: String, _ parameters: ParameterEncoder, binary: Bool) -> Bool {
        unsafe self.withPointers(parameters) { values in
            unsafe PQsendQueryParams(
                self.pointer,
                sql,
                Int32(parameters.offsets.count),
                parameters.types,
                values,
                parameters.byteCounts,
                parameters.formats,
                binary ? 1 : 0
            ) != 0
        }
    }

    private func withPointers(
        _ parameters: ParameterEncoder,
        _ body: ([UnsafePointer<CChar>?]) -> Bool
    ) -> Bool {
        unsafe parameters.bytes.withUnsafeBytes { bytes in
            let base = unsafe bytes.bindMemory(to: CChar.self).baseAddress
            var values: [UnsafePointer<CChar>?] = unsafe []
            unsafe values.reserveCapacity(parameters.offsets.count)
            for offset in parameters.offsets {
                unsafe values.append(offset < 0 ? nil : base.map { unsafe $0 + offset })
            }
            return unsafe body(values)
        }
    }

    // MARK: COPY

    /// Buffers COPY data; false when the connection broke.
    func putCopyData(_ bytes: [UInt8]) -> Bool {
        unsafe bytes.withUnsafeBytes { buffer in
            unsafe PQputCopyData(
                self.pointer,
                buffer.bindMemory(to: CChar.self).baseAddress,
                Int32(clamping: buffer.count)
            ) > 0
        }
    }

    /// Ends COPY data, with an error when the data is not to be kept.
    func putCopyEnd(error: String?) -> Bool {
        guard let error else { return unsafe PQputCopyEnd(self.pointer, nil) > 0 }
        return unsafe PQputCopyEnd(self.pointer, error) > 0
    }

    func getCopyData() -> CopyRead {
        var row: UnsafeMutablePointer<CChar>?
        let count = unsafe PQgetCopyData(self.pointer, &row, 1)
        switch count {
        case 0: return .later
        case -1: return .end
        case ..<0: return .failed
        default:
            defer { unsafe PQfreemem(row) }
            return .data(unsafe [UInt8](UnsafeRawBufferPointer(start: row, count: Int(count))))
        }
    }

    // MARK: The rest

    /// The next notification that arrived.
    func nextNotification() -> PostgresNotification? {
        guard let pointer = unsafe PQnotifies(self.pointer) else { return nil }
        defer { unsafe PQfreemem(pointer) }
        return unsafe PostgresNotification(
            channel: String(cString: pointer.pointee.relname),
            payload: pointer.pointee.extra.map { unsafe String(cString: $0) } ?? "",
            processID: pointer.pointee.be_pid
        )
    }

    /// What a cancel request needs; it may be sent from any thread.
    func cancellation() -> LibpqCancellation? {
        guard let pointer = unsafe PQgetCancel(self.pointer) else { return nil }
        return unsafe LibpqCancellation(pointer)
    }

    /// libpq's messages end in a newline and may span lines; a sentence does not.
    static func tidy(_ message: String) -> String {
        message.split(whereSeparator: \.isNewline)
            .map { line in String(line.drop { $0 == " " || $0 == "\t" }) }
            .joined(separator: " ")
    }
}

/// A cancel request for what a connection is doing.
// SAFETY: libpq's PGcancel is made for use from another thread; `send` consumes it.
@safe struct LibpqCancellation: @unchecked Sendable {
    private let pointer: OpaquePointer

    init(_ pointer: OpaquePointer) { unsafe self.pointer = pointer }

    /// Asks the server to stop; blocks until it has heard. Call once.
    func send() {
        var reason = [CChar](repeating: 0, count: 256)
        _ = unsafe PQcancel(self.pointer, &reason, 256)
        unsafe PQfreeCancel(self.pointer)
    }
}
