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
}
