// Decides whether libpq can read a connection string, without connecting.

import CLibpq

extension PostgresConfiguration {
    /// Whether libpq takes ``conninfo`` for a connection string.
    ///
    /// A text without `=` and without a scheme would be taken for a database's name by the
    /// connection itself; here it is none.
    public var isReadable: Bool {
        var message: UnsafeMutablePointer<CChar>?
        guard let options = unsafe PQconninfoParse(self.conninfo, &message) else {
            if let text = unsafe message { unsafe PQfreemem(text) }
            return false
        }
        unsafe PQconninfoFree(options)
        return true
    }
}
