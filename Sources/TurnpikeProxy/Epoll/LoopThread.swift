// SPDX-License-Identifier: Apache-2.0

#if os(Linux)

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// A thread that does one thing and ends.
enum LoopThread {
    private final class Start: Sendable {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }

    static func run(_ body: @escaping @Sendable () -> Void) throws(SystemFault) {
        var thread = pthread_self()
        // The thread takes this reference over; where there is none, it is given back here.
        let start = Unmanaged.passRetained(Start(body))
        let fault = pthread_create(
            &thread, nil,
            { start in
                if let start { Unmanaged<Start>.fromOpaque(start).takeRetainedValue().body() }
                return nil
            }, start.toOpaque()
        )
        guard fault == 0 else {
            start.release()
            throw SystemFault(call: "pthread_create", code: fault)
        }
        pthread_detach(thread)
    }

    /// Tells threads that run at the same time from each other.
    static var current: UInt {
        #if canImport(Musl)
        UInt(bitPattern: pthread_self())
        #else
        UInt(pthread_self())
        #endif
    }
}

#endif
