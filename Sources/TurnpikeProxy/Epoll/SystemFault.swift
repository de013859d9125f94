// SPDX-License-Identifier: Apache-2.0

#if os(Linux)

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// A system call that failed.
struct SystemFault: Error, CustomStringConvertible {
    let call: String
    /// Of `errno`.
    let code: Int32

    /// The call that has just failed on this thread.
    static func last(_ call: String) -> SystemFault { SystemFault(call: call, code: errno) }

    var description: String {
        let text = withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer -> String in
            guard let start = buffer.baseAddress, strerror_r(code, start, buffer.count) == 0 else { return "failed" }
            return String(cString: start)
        }
        return "\(call): \(text) (errno \(code))"
    }
}

#endif
