// SPDX-License-Identifier: Apache-2.0

/// This program's version, as the control plane and operators see it.
public let workerVersion = "0.1.0"
