// SPDX-License-Identifier: Apache-2.0

/// The copy of one request for all services that watch it: gathered while the request goes its own way, and sent once it is
/// whole. It is the head that the request's own service gets, `Host` included, with `Turnpike-Mirror: true`, and the content.
///
/// Confined to one event loop. Nothing changes it once it is being sent.
final class MirrorCopy {
    let route: GatewayRoute
    let services: [ServiceBalancer]
    let method: HTTPMethod
    let bytes = ByteStage()
    private let headLength: Int

    /// - Parameter head: to forward, with the empty line at its end.
    init(_ head: UnsafeRawBufferPointer, of method: HTTPMethod, for route: GatewayRoute, to services: [ServiceBalancer])
    {
        self.method = method
        self.route = route
        self.services = services
        headLength =
            bytes.write(atMost: head.count + 32) { writer in
                writer.append(head[ByteRange(0, head.count - 2)])
                writer.append("Turnpike-Mirror: true\r\n")
                writer.appendEndOfHead()
            }.count
    }

    /// - Returns: false where the content is more than is held.
    func append(_ content: UnsafeRawBufferPointer) -> Bool {
        guard bytes.count - headLength + content.count <= GatewayLimits.heldContentBytes else { return false }
        _ = bytes.append(content)
        return true
    }
}
