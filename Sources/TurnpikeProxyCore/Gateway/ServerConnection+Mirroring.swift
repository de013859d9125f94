// SPDX-License-Identifier: Apache-2.0

extension ServerConnection {
    /// Begins the copies of an admitted request. They go their own way from then on: whatever comes of them, the request and
    /// its client do not notice.
    func startMirroring() {
        guard let route = request.route, !route.mirrors.isEmpty, request.upgrade == nil else { return }
        let services = gateway.drawMirrors(of: route)
        guard !services.isEmpty else { return }
        guard gateway.reserveMirrors(services.count) else {
            for service in services {
                gateway.observer?.mirrored(.overloaded, route: route, service: service.cluster.name)
            }
            return
        }
        let copy = MirrorCopy(
            toUpstream.bytes[ByteRange(0, forwardedHeadLength)], of: head.method, for: route, to: services)
        if head.framing.announces(moreThan: UInt64(GatewayLimits.heldContentBytes)) {
            gateway.drop(copy, .tooLarge)
        } else if requestBody.isComplete {
            gateway.launch(copy)
        } else {
            mirror = copy
        }
    }

    /// Content goes into the copy as it goes on to the upstream.
    func mirrorContent(_ bytes: UnsafeRawBufferPointer) {
        guard let copy = mirror else { return }
        if !copy.append(bytes) {
            mirror = nil
            gateway.drop(copy, .tooLarge)
        } else if requestBody.isComplete {
            mirror = nil
            gateway.launch(copy)
        }
    }

    /// The request is over. A copy that is not whole by now never will be.
    func endMirroring() {
        guard let copy = mirror else { return }
        mirror = nil
        gateway.drop(copy, .incomplete)
    }
}
