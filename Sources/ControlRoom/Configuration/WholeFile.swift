// Decides how small files are written: whole or not at all, with their mode from the first moment.

import Glibc

/// A file that readers see as it was or as it is, never half of it.
struct WholeFile: Sendable {
    /// Where it lies.
    var path: String
    /// What it shall hold.
    var text: String
    /// Who may read it.
    var mode: mode_t = 0o600

    /// Why it was not written.
    struct Failure: Error, Sendable, Hashable {
        /// Whether another one has the place.
        var isTaken = false
        /// In words.
        var reason: String

        /// What the system said last.
        static var system: Failure {
            Failure(isTaken: errno == EEXIST, reason: String(cString: strerror(errno)))
        }
    }

    /// Writes it.
    ///
    /// - Parameter isReplacing: Whether one that is there already is replaced.
    /// - Throws: ``Failure``; then the place is as it was before.
    func write(isReplacing: Bool = true) throws(Failure) {
        let draft = "\(self.path).\(getpid())"
        unlink(draft)
        // Nobody else may read it at any moment: made with its mode, not given it afterwards.
        let descriptor = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, self.mode)
        guard descriptor >= 0 else { throw .system }
        defer { unlink(draft) }
        let bytes = Array(self.text.utf8)
        let isWritten =
            Glibc.write(descriptor, bytes, bytes.count) == bytes.count && fsync(descriptor) == 0
        guard close(descriptor) == 0, isWritten else { throw .system }
        // A link takes no place that is taken; a rename does.
        guard (isReplacing ? rename(draft, self.path) : link(draft, self.path)) == 0 else {
            throw .system
        }
    }
}
