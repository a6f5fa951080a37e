// What an open file is, for modules in which `struct stat` cannot be used: who owns it differs there.

import Glibc

/// Facts about files that are open.
public enum RegularFile {
    /// The size of a regular file in bytes.
    ///
    /// - Parameter descriptor: An open descriptor.
    /// - Returns: The size; `nil` when it is something else: a folder, a pipe, a device.
    public static func size(of descriptor: Int32) -> Int? {
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            return nil
        }
        return Int(status.st_size)
    }

    /// When a regular file was written, in seconds since 1970.
    ///
    /// - Parameter path: Where it lies.
    /// - Returns: `nil` when there is none.
    public static func modified(_ path: String) -> Int? {
        var status = stat()
        guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        return Int(status.st_mtim.tv_sec)
    }
}
