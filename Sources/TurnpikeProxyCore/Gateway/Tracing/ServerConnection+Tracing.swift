// SPDX-License-Identifier: Apache-2.0

// A request that is traced has a span of its own, whose parent is the client's, and one for each try at an upstream, which
// are its children. Every other request pays for the question whether it is traced.

extension ServerConnection {
    /// Decides whether the request is traced: as its client has decided, else by lot.
    func startTrace(_ bytes: UnsafeRawBufferPointer) {
        guard let sampling = gateway.sampling else { return }
        let given = TraceParent(of: head, in: bytes)
        let trace = given ?? TraceParent(random: &gateway.random)
        guard given?.isSampled ?? sampling.takes(trace) else { return }
        request.trace = TraceRecording(
            RequestTrace(
                trace, parent: given?.parent, span: gateway.nextSpan(), head, bytes, from: origin.client,
                over: origin.scheme, isHTTP2: speaksHTTP2, now: gateway.now))
    }

    /// A connection was chosen for a try.
    func traceTry(at place: Int, of service: ServiceBalancer, isReused: Bool) {
        guard let trace = request.trace else { return }
        trace.beginTry(
            RequestTrace.Try(
                span: gateway.nextSpan(), service: service.cluster.name, endpoint: service.endpoints[place].address,
                isReused: isReused, startedAt: gateway.now))
    }

    /// Makes the try that is about to be sent the parent of what its endpoint does.
    func traceSending() {
        guard let trace = request.trace else { return }
        // The last field of the head, behind which there is the empty line only.
        let offset = forwardedHeadLength - 4 - TraceParent.textLength + TraceParent.parentOffset
        toUpstream.overwrite(from: offset, count: 16) { $0.append(hex: trace.trySpan, digits: 16) }
        trace.sends(path: forwardedPath)
    }

    /// Of the request line that was written for the upstream.
    private var forwardedPath: String {
        let line = toUpstream.bytes[ByteRange(0, forwardedHeadLength)].prefix { $0 != ASCII.cr }
        let target = line.drop { $0 != ASCII.space }.dropFirst()
        let path = target.prefix(RequestTrace.pathBytes).prefix { $0 != ASCII.space && $0 != ASCII.question }
        return String(decoding: path, as: UTF8.self)
    }
}

extension Gateway {
    /// Never zero, which means that there is no span (W3C Trace Context, section 3.2.2.4).
    fileprivate func nextSpan() -> UInt64 { max(random.next(), 1) }
}
