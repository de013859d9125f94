// SPDX-License-Identifier: Apache-2.0

// Each counter goes up and down in one place, and what a request has put up it takes down, once.

extension RequestContext {
    /// Counts the request at a service, and no longer at the one before; nil once it is over.
    mutating func count(at load: ServiceLoad?) {
        countedAt?.activeRequests -= 1
        if isRetrying { countedAt?.activeRetries -= 1 }
        countedAt = load
        load?.activeRequests += 1
        if isRetrying { load?.activeRetries += 1 }
    }

    /// Whether the request waits for its connection to be made.
    mutating func setPending(_ waits: Bool) {
        guard waits != isPending else { return }
        isPending = waits
        countedAt?.pendingRequests += waits ? 1 : -1
    }

    /// Whether the request is being tried again.
    mutating func setRetrying(_ retries: Bool) {
        guard retries != isRetrying else { return }
        isRetrying = retries
        countedAt?.activeRetries += retries ? 1 : -1
    }
}
