// SPDX-License-Identifier: Apache-2.0

import TurnpikeMetering
import TurnpikeModel

extension ServerConnection {
    /// Counts the request, once, when its answer is over; and tells the observer. Of a tunnel, whose request was counted when
    /// it began, the last bytes.
    func record() {
        request.count(at: nil)
        endMirroring()
        let exchange = exchangeRecord
        if tunnel != nil {
            countTunnel(isLast: true)
            tunnel = nil
        } else if request.isAdmitted || gateway.canRecord {
            // A refusal for want of room needs room itself; what was admitted is counted in any case.
            count(
                requests: 1, bytesIn: request.bytesIn, bytesOut: request.bytesOut, units: request.isAdmitted ? 1 : 0)
        }
        gateway.tell(
            exchange, method: logged.bytes[loggedMethod], path: logged.bytes[loggedPath],
            host: logged.bytes[loggedHost])
        if let recording = request.trace {
            request.trace = nil
            gateway.observer?.traced(
                recording.trace, of: exchange, method: logged.bytes[loggedMethod], path: logged.bytes[loggedPath])
        }
    }

    /// Adds to the usage of the request's route and key.
    func count(requests: Int64, bytesIn: Int64, bytesOut: Int64, units: Int64) {
        guard let route = request.route else { return }
        let series = SeriesKey(
            tenant: route.tenantID, apiKey: request.key?.id ?? .zero, route: route.id,
            statusClass: ExchangeRecord.statusClass(of: request.status),
            minute: gateway.wall.startOfMinute.milliseconds / 60_000
        )
        gateway.count(
            series, UsageCounters(requests: requests, bytesIn: bytesIn, bytesOut: bytesOut, units: units))
    }

    private var parties: ExchangeParties {
        ExchangeParties(
            client: client, scheme: origin.scheme, speaksHTTP2: speaksHTTP2, trace: request.loggedTrace,
            service: request.attempts > 0 ? request.cluster?.name : nil, endpoint: request.lastEndpoint,
            agent: loggedAgent.isEmpty ? nil : Array(logged.bytes[loggedAgent]))
    }

    private var exchangeRecord: ExchangeRecord {
        ExchangeRecord(
            requestID: request.id, receivedAt: request.receivedAt, route: request.route, key: request.key?.id,
            status: request.status, bytesIn: request.bytesIn, bytesOut: request.bytesOut,
            duration: gateway.now - request.startedAt, upstreamDuration: request.upstreamDuration,
            upstreamStatus: request.upstreamStatus, refusal: request.refusal, detail: request.detail,
            attempts: request.attempts, admitted: request.isAdmitted,
            parties: gateway.wantsParties ? parties : nil
        )
    }
}
