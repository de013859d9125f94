// SPDX-License-Identifier: Apache-2.0

/// Bytes that are not what TLS says they are.
struct TLSMalformed: Error {}

/// Reads values of TLS's presentation language (RFC 8446 §3) from front to end.
struct TLSBytes {
    private var rest: ArraySlice<UInt8>

    init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

    var isEmpty: Bool { rest.isEmpty }

    /// - Parameter width: bytes that it takes: 1 to 3.
    mutating func number(_ width: Int) throws(TLSMalformed) -> Int {
        try take(width).reduce(0) { $0 << 8 | Int($1) }
    }

    mutating func take(_ count: Int) throws(TLSMalformed) -> ArraySlice<UInt8> {
        guard count <= rest.count else { throw TLSMalformed() }
        defer { rest = rest.dropFirst(count) }
        return rest.prefix(count)
    }

    /// A vector behind its length.
    ///
    /// - Parameters:
    ///   - width: bytes that the length takes.
    ///   - least: bytes that it must have.
    mutating func vector(_ width: Int, least: Int = 0) throws(TLSMalformed) -> ArraySlice<UInt8> {
        let count = try number(width)
        guard count >= least else { throw TLSMalformed() }
        return try take(count)
    }

    /// There must be nothing left.
    func end() throws(TLSMalformed) {
        guard rest.isEmpty else { throw TLSMalformed() }
    }
}
