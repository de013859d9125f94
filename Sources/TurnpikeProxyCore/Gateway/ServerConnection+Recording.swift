// SPDX-License-Identifier: Apache-2.0

import TurnpikeMetering
import TurnpikeModel

extension ServerConnection {
    /// Counts the request, once, when its answer is over; and tells the observer.
    func record() {
        request.count(at: nil)
        let exchange = exchangeRecord
        // A refusal for want of room needs room itself; what was admitted is counted in any case.
        if let route = request.route, request.isAdmitted || gateway.recorder.canRecord {
            let series = SeriesKey(
                tenant: route.tenantID, apiKey: request.key?.id ?? .zero, route: route.id,
                statusClass: exchange.statusClass, minute: gateway.wall.startOfMinute.milliseconds / 60_000
            )
            gateway.recorder.record(
                series,
                UsageCounters(
                    requests: 1, bytesIn: request.bytesIn, bytesOut: request.bytesOut, units: request.isAdmitted ? 1 : 0
                ))
        }
        gateway.observer?.answered(exchange, method: logged.bytes[loggedMethod], path: logged.bytes[loggedPath])
    }

    private var exchangeRecord: ExchangeRecord {
        ExchangeRecord(
            requestID: request.id, receivedAt: request.receivedAt, route: request.route, key: request.key?.id,
            status: request.status, bytesIn: request.bytesIn, bytesOut: request.bytesOut,
            duration: gateway.now - request.startedAt, upstreamDuration: request.upstreamDuration,
            upstreamStatus: request.upstreamStatus, refusal: request.refusal, detail: request.detail,
            attempts: request.attempts, admitted: request.isAdmitted
        )
    }
}
