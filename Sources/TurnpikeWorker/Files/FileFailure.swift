// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A file operation that the system refused, in its words.
struct FileFailure: Error, Sendable, Hashable, CustomStringConvertible {
    /// What was tried, as in `create` or `read`.
    let operation: String
    let path: String
    /// The system's `errno`.
    let code: Int32

    init(_ operation: String, _ path: String, code: Int32) {
        self.operation = operation
        self.path = path
        self.code = code
    }

    /// The failure of the call that has just returned.
    static func last(_ operation: String, _ path: String) -> FileFailure {
        FileFailure(operation, path, code: errno)
    }

    var description: String { "cannot \(operation) \(path): \(String(cString: strerror(code)))" }
}
