// SPDX-License-Identifier: Apache-2.0

import Foundation

/// `openapi.yaml`, the contract that the server shows to its clients.
enum ContractFile {
    /// Where it may be, in this order: as told; in `share/turnpike` beside the program's `bin`; above the program, which is
    /// where a build finds that of its own source.
    static func candidates(told path: String?, program: String) -> [String] {
        if let path { return [path] }
        var folder = URL(fileURLWithPath: program).deletingLastPathComponent()
        var candidates = [folder.appendingPathComponent("../share/turnpike/openapi.yaml").standardized.path]
        while folder.path != "/" {
            folder = folder.deletingLastPathComponent()
            candidates.append(folder.appendingPathComponent("openapi.yaml").path)
        }
        return candidates
    }

    /// The contract's bytes; `nil` where there is none to be found.
    static func read(told path: String?) -> [UInt8]? {
        let program = Foundation.Bundle.main.executablePath ?? CommandLine.arguments[0]
        for candidate in candidates(told: path, program: program) {
            if let bytes = FileManager.default.contents(atPath: candidate) { return Array(bytes) }
        }
        return nil
    }
}
