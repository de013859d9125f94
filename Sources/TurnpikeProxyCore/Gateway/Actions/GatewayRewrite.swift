// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel

/// What an upstream gets to see in place of path and host, made ready. The path it makes is in normal form again: of
/// literal text in that form and whole segments of a path that has it.
struct GatewayRewrite: Sendable {
    private enum Path: Sendable {
        /// The prefixes of the route, the longest first, all without the slash at their end; and what replaces them.
        case prefix(of: [[UInt8]], by: [UInt8])
        case template(TextExpansion)
    }

    private let path: Path?
    /// The `Host` field.
    let host: [UInt8]?

    /// - Throws: where the paths of the route do not go with it.
    init(_ rewrite: Rewrite, paths: [PathMatch]) throws(RouteTable.Fault.Reason) {
        host = rewrite.host.map { Array($0.utf8) }
        switch rewrite.path {
        case nil: path = nil
        case .prefix(let text):
            var prefixes: [[UInt8]] = []
            for path in paths {
                guard case .prefix(let prefix) = path else { throw .badParameter }
                prefixes.append(try Self.withoutSlash(prefix))
            }
            path = .prefix(of: prefixes.sorted { $0.count > $1.count }, by: try Self.withoutSlash(text))
        case .template(let template):
            path = .template(
                try TextExpansion(template, paths: paths) { text throws(RouteTable.Fault.Reason) in
                    try Self.normal(text)
                })
        }
    }

    private static func withoutSlash(_ text: String) throws(RouteTable.Fault.Reason) -> [UInt8] {
        var literals = try PathTemplate(text, allowsParameters: false).literals
        if literals.last?.isEmpty == true { literals.removeLast() }
        return literals.reduce(into: []) { $0 += [ASCII.slash] + $1 }
    }

    /// Literal text between variables, which begins and ends with a slash unless it is at an end of the path.
    private static func normal(_ text: String) throws(RouteTable.Fault.Reason) -> [UInt8] {
        try PathTemplate(text, allowsParameters: false).literals.reduce(into: []) { $0 += [ASCII.slash] + $1 }
    }

    /// The path to forward; nil: the one that was asked for. Lies in the stage, whose content is lost.
    func path(
        for path: UnsafeRawBufferPointer, host: UnsafeRawBufferPointer, in stage: ByteStage
    ) -> UnsafeRawBufferPointer? {
        switch self.path {
        case nil: return nil
        case .prefix(let prefixes, let replacement):
            let length = prefixes.first { Self.begins(path, with: $0) }?.count ?? 0
            return written(to: stage, atMost: replacement.count + path.count + 1) { writer in
                replacement.withUnsafeBytes { writer.append($0) }
                writer.append(path[ByteRange(length, path.count)])
                if writer.count == 0 { writer.append(ASCII.slash) }
            }
        case .template(let expansion):
            let values = TextExpansion.Values(path: path, query: nil, host: host)
            return written(to: stage, atMost: expansion.sizeBound(values)) { expansion.write(values, to: &$0) }
        }
    }

    /// By whole segments.
    private static func begins(_ path: UnsafeRawBufferPointer, with prefix: [UInt8]) -> Bool {
        path.starts(with: prefix) && (path.count == prefix.count || path[prefix.count] == ASCII.slash)
    }

    private func written(
        to stage: ByteStage, atMost bound: Int, _ write: (inout ByteWriter) -> Void
    ) -> UnsafeRawBufferPointer {
        stage.removeAll()
        let range = stage.write(atMost: bound, write)
        return stage.bytes[range]
    }
}
