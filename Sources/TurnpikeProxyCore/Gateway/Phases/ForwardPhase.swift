// SPDX-License-Identifier: Apache-2.0

extension Gateway {
    /// Writes the head that the upstream gets. It is kept until the upstream answers, should it have to be sent again.
    func writeForwardedHead(
        _ head: RequestHead, _ bytes: UnsafeRawBufferPointer, from client: ClientAddress, context: RequestContext,
        to stage: ByteStage
    ) {
        let trace = TraceParent(random: &random)
        client.text.withUnsafeBytes { address in
            _ = normaliser.withPath(context.path, of: bytes[head.path]) { path in
                let forwarding = RequestForwarding(
                    path: path, clientAddress: address, scheme: .http, drop: context.credential.union(.expect),
                    requestID: context.id, newTrace: trace
                )
                _ = stage.write(atMost: forwarding.sizeBound(head)) { writer in
                    forwarding.write(head, bytes, to: &writer)
                    writer.appendEndOfHead()
                }
            }
        }
    }
}
