// SPDX-License-Identifier: Apache-2.0

#if os(Linux)

/// Something with a descriptor that the loop watches. Confined to the loop.
protocol EventSource: AnyObject {
    /// The kernel has news; `events` are the bits of epoll(7).
    func ready(_ events: UInt32)
}

/// Names one registration of a source with its loop. The kernel hands it back with each event, so that what it says of a
/// descriptor that was closed, and perhaps opened again for something else, is told from news.
struct Registration: Hashable {
    let word: UInt64

    static let none = Registration(word: .max)

    /// - Parameter goesFirst: its events are dealt with before those of others that came in the same turn.
    init(_ descriptor: Descriptor, serial: UInt32, goesFirst: Bool) {
        word = UInt64(serial) << 32 | (goesFirst ? Self.first : 0) | UInt64(UInt32(bitPattern: descriptor.number))
    }

    init(word: UInt64) { self.word = word }

    private static let first: UInt64 = 1 << 31

    var goesFirst: Bool { word & Self.first != 0 }
    /// The descriptor's number, as the place in a table.
    var slot: Int { Int(word & (Self.first - 1)) }
}

#endif
