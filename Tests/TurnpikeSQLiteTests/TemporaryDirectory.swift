// SPDX-License-Identifier: Apache-2.0

import Foundation
import Logging

/// Calls `body` with the path of a directory that does not exist yet, in one that is removed afterwards.
func withTemporaryDirectory<Value>(_ body: (String) async throws -> Value) async throws -> Value {
    let root = FileManager.default.temporaryDirectory.appending(path: "turnpike-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: root, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: root) }  // What is left behind harms no later run.
    return try await body(root.appending(path: "data").path)
}

extension Logger {
    static var silent: Logger { Logger(label: "test") { _ in SwiftLogNoOpLogHandler() } }
}
