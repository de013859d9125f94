// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
import Glibc
#endif

/// How the process holds memory.
///
/// glibc keeps what is freed for later, in a pool for each of many threads, and the more large blocks come and go the larger
/// those that it keeps. A configuration of a million keys comes in large blocks, once: without this, a process takes for good
/// what it needed for a moment. With another C library nothing here does anything.
public enum Allocator {
    /// Pieces of a change from which on it counts as large work.
    public static let largeWork = 10_000

    /// To be called first of all, before there are threads.
    public static func configure() {
        // Two pools, for no program of ours allocates on many threads at once; blocks from 256 KiB on from the system, and
        // back to it at once; and the top of a pool given back when it is larger than 1 MiB. Names and numbers: mallopt(3).
        let (trimThreshold, mmapThreshold, arenaMax): (CInt, CInt, CInt) = (-1, -3, -8)
        set(arenaMax, to: 2)
        set(mmapThreshold, to: 256 << 10)
        set(trimThreshold, to: 1 << 20)
    }

    /// Gives back what lies free between what is used. Takes some milliseconds for each hundred megabytes: to be called after
    /// large work, not after each piece of it.
    public static func trim() {
        #if canImport(Glibc)
        guard let symbol = dlsym(nil, "malloc_trim") else { return }
        // malloc_trim(3): int malloc_trim(size_t pad)
        _ = unsafeBitCast(symbol, to: (@convention(c) (Int) -> CInt).self)(0)
        #endif
    }

    private static func set(_ parameter: CInt, to value: CInt) {
        #if canImport(Glibc)
        guard let symbol = dlsym(nil, "mallopt") else { return }
        // mallopt(3): int mallopt(int param, int value). Looked up by name, since Swift's Glibc module leaves malloc.h out.
        _ = unsafeBitCast(symbol, to: (@convention(c) (CInt, CInt) -> CInt).self)(parameter, value)
        #endif
    }
}
