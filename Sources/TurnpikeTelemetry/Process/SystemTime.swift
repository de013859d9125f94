// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// What the system's clock says; it may be set, and then go back.
public enum SystemTime {
    /// Since 1970, leap seconds not counted; zero before.
    public static var nanoseconds: UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return UInt64(clamping: time.tv_sec) * 1_000_000_000 + UInt64(clamping: time.tv_nsec)
    }

    /// The same in milliseconds.
    public static var milliseconds: Int64 { Int64(nanoseconds / 1_000_000) }
}
