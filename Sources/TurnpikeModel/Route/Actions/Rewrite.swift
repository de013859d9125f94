// SPDX-License-Identifier: Apache-2.0

/// What an upstream gets to see in place of the path and host that were asked for: `{"prefix":"/internal"}` or
/// `{"path":"/x/{id}"}`, and `{"host":"orders.internal"}`.
public struct Rewrite: Sendable, Hashable {
    public enum Path: Sendable, Hashable {
        /// Put in the place of the prefix that the route matched by.
        case prefix(String)
        /// The whole path; `{name}` segments are those of the route's template.
        case template(TextTemplate)
    }

    /// Nil: as it was asked for.
    public var path: Path?
    /// The `Host` field, with or without port. Nil: as it was asked for.
    public var host: String?

    public init(path: Path?, host: String?) {
        self.path = path
        self.host = host
    }

    public init(reading fields: inout FieldReader, paths: [PathMatch]) {
        path = nil
        host = fields.optionalString("host", length: 1...259)
        if let host, !host.isEmpty, !Host.isAuthority(host) {
            fields.report("host", .format, "'\(host)' must be a host in lower case, with or without a port.")
        }
        let (hasPrefix, hasPath) = (fields.has("prefix"), fields.has("path"))
        if hasPrefix, hasPath {
            fields.report([Fault(fields.pointer, .conflict, "Takes one of 'prefix' and 'path'.")])
        } else if !hasPrefix, !hasPath, !fields.has("host") {
            fields.report([Fault(fields.pointer, .required, "Needs 'prefix', 'path' or 'host'.")])
        }
        if hasPrefix { readPrefix(from: &fields, paths) } else { fields.ignore("prefix") }
        if hasPath { readTemplate(from: &fields, paths) } else { fields.ignore("path") }
    }

    private mutating func readPrefix(from fields: inout FieldReader, _ paths: [PathMatch]) {
        let prefix = fields.string("prefix", length: 1...2048)
        path = .prefix(prefix)
        guard !prefix.isEmpty else { return }
        if let wrong = PathMatch.fault(in: prefix, type: "prefix") {
            fields.report("prefix", .format, wrong)
        } else if !paths.allSatisfy({ if case .prefix = $0 { true } else { false } }) {
            fields.report(
                "prefix", .conflict, "There is no prefix to replace: not all paths of the route are prefixes.")
        }
    }

    private mutating func readTemplate(from fields: inout FieldReader, _ paths: [PathMatch]) {
        let text = fields.string("path", length: 1...2048)
        let template = TextTemplate(text)
        path = .template(template ?? TextTemplate(literal: text))
        guard !text.isEmpty else { return }
        if let wrong = PathMatch.fault(in: text, type: "template") {
            fields.report("path", .format, wrong)
        } else if let template {
            let known = PathMatch.parameters(of: paths)
            for name in template.variables where !known.contains(name) {
                fields.report(
                    "path", .reference, "There is no '{\(name)}': not all paths of the route are templates with it.")
            }
        } else {
            fields.report("path", .format, "A variable is '{name}' here, also for a parameter '{name+}'.")
        }
    }

    public var json: JSON {
        var object = JSONObject()
        switch path {
        case .prefix(let prefix): object.append("prefix", .string(prefix))
        case .template(let template): object.append("path", .string(template.text))
        case nil: break
        }
        if let host { object.append("host", .string(host)) }
        return .object(object)
    }
}
