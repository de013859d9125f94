// SPDX-License-Identifier: Apache-2.0

/// What holds a client's connection, or its share of one: a ``ClientHandler`` for each that speaks HTTP/1.1 or is made to, and
/// a ``SecureConnection`` beneath them for TLS. Confined to its loop.
class NIOClient: EngineClient {
    func leasesChanged() {}
    func drain() { abort() }
    func abort() {}
}
