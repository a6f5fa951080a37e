// How the library is set up: one table of callbacks and one set of options for every connection.

import CNghttp2
import NIOCore

/// Makes sessions.
enum NGHTTP2Session {
    /// A session; `user` is the unretained pointer to its ``HTTP2Connection``.
    ///
    /// - Returns: `nil` without memory.
    static func make(isServer: Bool, user: UnsafeMutableRawPointer) -> OpaquePointer? {
        var session: OpaquePointer?
        let result =
            isServer
            ? unsafe nghttp2_session_server_new2(&session, Self.callbacks, user, Self.options)
            : unsafe nghttp2_session_client_new2(&session, Self.callbacks, user, Self.options)
        return result == 0 ? unsafe session : nil
    }

    // SAFETY: made once, never changed or freed; the library copies what it needs.
    nonisolated(unsafe) private static let options: OpaquePointer? = {
        var options: OpaquePointer?
        guard unsafe nghttp2_option_new(&options) == 0 else { return nil }
        unsafe nghttp2_option_set_no_auto_window_update(options, 1)
        unsafe nghttp2_option_set_max_reserved_remote_streams(options, 0)
        unsafe nghttp2_option_set_stream_reset_rate_limit(options, 200, 20)
        unsafe nghttp2_option_set_max_outbound_ack(options, 100)
        unsafe nghttp2_option_set_max_settings(options, 16)
        unsafe nghttp2_option_set_max_continuations(options, 4)
        // Until the peer says otherwise: what RFC 9113, 6.5.2 recommends as the least.
        unsafe nghttp2_option_set_peer_max_concurrent_streams(options, 100)
        return unsafe options
    }()

    // SAFETY: made once, never changed or freed; the library copies what it needs.
    nonisolated(unsafe) private static let callbacks: OpaquePointer? = {
        var table: OpaquePointer?
        guard unsafe nghttp2_session_callbacks_new(&table) == 0 else { return nil }
        unsafe nghttp2_session_callbacks_set_on_begin_headers_callback(table) { _, frame, user in
            guard let frame = unsafe frame else { return CallbackResult.ok }
            return unsafe connection(user)?.headersBegan(frame) ?? CallbackResult.ok
        }
        unsafe nghttp2_session_callbacks_set_on_header_callback(table) {
            _,
            _,
            name,
            nameBytes,
            value,
            valueBytes,
            _,
            user in
            unsafe connection(user)?.fieldReceived(
                UnsafeBufferPointer(start: name, count: nameBytes),
                UnsafeBufferPointer(start: value, count: valueBytes)
            ) ?? CallbackResult.ok
        }
        unsafe nghttp2_session_callbacks_set_on_frame_recv_callback(table) { _, frame, user in
            if let frame = unsafe frame { unsafe connection(user)?.frameReceived(frame) }
            return CallbackResult.ok
        }
        unsafe nghttp2_session_callbacks_set_on_data_chunk_recv_callback(table) {
            session,
            _,
            id,
            data,
            count,
            user in
            unsafe connection(user)?.dataReceived(
                id,
                UnsafeRawBufferPointer(start: data, count: count)
            )
            return CallbackResult.ok
        }
        unsafe nghttp2_session_callbacks_set_on_stream_close_callback(table) {
            _,
            id,
            code,
            user in
            unsafe connection(user)?.streamClosed(id, code)
            return CallbackResult.ok
        }
        unsafe nghttp2_session_callbacks_set_send_data_callback(table) {
            _,
            _,
            header,
            count,
            _,
            user in
            guard let header = unsafe header else { return CallbackResult.streamFailure }
            return unsafe connection(user)?.dataSent(header, count)
                ?? CallbackResult.streamFailure
        }
        unsafe Self.observe(table)
        return unsafe table
    }()

    /// Callbacks that only keep an eye on the peer.
    private static func observe(_ table: OpaquePointer?) {
        unsafe nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(table) {
            _,
            frame,
            error,
            user in
            unsafe connection(user)?.frameWasInvalid(error)
            return CallbackResult.ok
        }
        unsafe nghttp2_session_callbacks_set_on_frame_send_callback(table) { _, frame, user in
            if let frame = unsafe frame { unsafe connection(user)?.frameSent(frame) }
            return CallbackResult.ok
        }
    }
}

/// The connection that a callback is for.
private func connection(_ user: UnsafeMutableRawPointer?) -> HTTP2Connection? {
    guard let user = unsafe user else { return nil }
    return unsafe Unmanaged<HTTP2Connection>.fromOpaque(user).takeUnretainedValue()
}
