// SPDX-License-Identifier: Apache-2.0

/// What the requests of a service, all together, take in one event loop. A class, so that those in flight when the service is
/// configured anew are still counted off. Confined to the loop.
final class ServiceLoad {
    /// Requests between admission and the end of their answers.
    var activeRequests = 0
    /// Of these, those whose connection is being made.
    var pendingRequests = 0
    /// Of these, those that are tried again, or wait for it.
    var activeRetries = 0
    var retryBudget = RetryBudget()
}
