// SPDX-License-Identifier: Apache-2.0

/// What one event loop knows of an endpoint as one service uses it. A class, so that requests in flight when the service is
/// configured anew are still counted off. Confined to the loop.
final class EndpointState {
    let address: EndpointAddress
    /// In the loop's ``UpstreamDirectory``.
    let number: Int
    /// Requests of the service that are being sent to it or answered by it.
    var activeRequests = 0
    var outlier = OutlierState()
    var health: HealthState
    /// Nil where the service does not ask it.
    var check: EndpointCheck?
    /// When it was added to the service; 0 where it was there from the first.
    let addedAt: UInt64

    init(address: EndpointAddress, number: Int, addedAt: UInt64, health: HealthState = HealthState()) {
        self.address = address
        self.number = number
        self.addedAt = addedAt
        self.health = health
    }

    /// An address that the endpoint's name has led to: it is as old as the name.
    init(address: EndpointAddress, number: Int, inPlaceOf name: EndpointState) {
        self.address = address
        self.number = number
        addedAt = name.addedAt
        health = name.health
    }
}
