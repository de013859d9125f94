// SPDX-License-Identifier: Apache-2.0

/// What the requests of a service, all together, take in one event loop. A class, so that those in flight when the service is
/// configured anew are still counted off. Confined to the loop.
final class ServiceLoad {
    var retryBudget = RetryBudget()
}
