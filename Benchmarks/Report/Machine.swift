// SPDX-License-Identifier: Apache-2.0

import Foundation

/// What the figures were measured on.
struct Machine: Sendable {
    var processor: String
    var cores: Int
    var memoryMiB: Int

    static let this: Machine = {
        let info = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
        let model = info.split(separator: "\n").first { $0.hasPrefix("model name") }
        let name = model?.split(separator: ":", maxSplits: 1).last.map(String.init) ?? "unknown processor"
        return Machine(
            processor: name.trimmingCharacters(in: .whitespaces), cores: ProcessInfo.processInfo.activeProcessorCount,
            memoryMiB: Int(ProcessInfo.processInfo.physicalMemory >> 20)
        )
    }()
}
