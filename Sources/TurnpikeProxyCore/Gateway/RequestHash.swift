// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel

/// Turns the part of a request that a service goes by into a number. Without a copy of it.
struct RequestHash: Sendable {
    private enum Input: Sendable {
        case header([UInt8])
        case cookie([UInt8])
        case address
    }

    private let input: Input
    private let hash: ByteHash

    init(_ input: LoadBalancing.HashInput, seed: UInt64) {
        self.input =
            switch input {
            case .header(let name): .header(Array(name.utf8))
            case .cookie(let name): .cookie(Array(name.utf8))
            case .address: .address
            }
        hash = ByteHash(seed: seed)
    }

    /// - Parameter subject: the client's address, as rate limits count it.
    /// - Returns: nil where the request does not have the part. Of a field that comes several times, the first counts.
    func value(of head: RequestHead, _ bytes: UnsafeRawBufferPointer, from subject: ResourceID) -> UInt64? {
        switch input {
        case .header(let name):
            return name.withUnsafeBytes { head.fields.first(named: $0, in: bytes) }.map { hashed(bytes[$0.value]) }
        case .cookie(let name):
            return name.withUnsafeBytes { head.fields.cookie(named: $0, in: bytes) }.map { hashed($0) }
        case .address:
            return withUnsafeBytes(of: (subject.high, subject.low)) { hashed($0) }
        }
    }

    private func hashed(_ bytes: UnsafeRawBufferPointer) -> UInt64 { hash.hash(bytes, scope: 0, foldingCase: false) }
}
