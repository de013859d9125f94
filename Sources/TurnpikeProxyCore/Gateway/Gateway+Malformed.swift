// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel

extension Gateway {
    /// Writes down a request that was malformed as HTTP/2, so that nobody serves it. Time is to be set before.
    ///
    /// - Returns: what the client may be told, in HTTP/1.1, where its stream can still be answered.
    public func refused(
        _ fault: HTTP2Fault, from client: ClientAddress, over scheme: RequestForwarding.Scheme
    ) -> [UInt8] {
        let refusal = Refusal.malformed(fault)
        let id = requestIDs.next(unixMillis: UInt64(clamping: wall.milliseconds), random: &random)
        var problem = ProblemResponse(code: refusal.code, detail: refusal.detail, requestID: id, keepAlive: true)
        problem.date = date
        let answer = ByteStage()
        _ = answer.write(atMost: problem.sizeBound) { problem.write(to: &$0) }
        let exchange = ExchangeRecord(
            requestID: id, receivedAt: wall, status: refusal.code.status, bytesIn: 0, bytesOut: Int64(answer.count),
            duration: 0, refusal: refusal.code, detail: refusal.detail, attempts: 0, admitted: false,
            parties: wantsParties
                ? ExchangeParties(client: client, scheme: scheme, speaksHTTP2: true) : nil)
        let nothing = UnsafeRawBufferPointer(start: nil, count: 0)
        tell(exchange, method: nothing, path: nothing, host: nothing)
        return Array(answer.bytes)
    }
}
