// SPDX-License-Identifier: Apache-2.0

import Logging

/// The shape of a log line.
public enum LogFormat: String, Sendable, CaseIterable {
    /// One JSON object a line, for machines:
    /// `{"time":"…","level":"info","label":"…","message":"…","metadata":{…}}`; an `error` follows where there is one.
    case json
    /// `time level message key=value …`, for people.
    case plain
}

/// One record, its secrets already masked.
struct LogRecord {
    var time: LogTime
    var level: Logger.Level
    var label: String
    var message: String
    var error: String?
    var metadata: Logger.Metadata

    /// The record as one line, its line feed included. Keys are sorted, so that equal records are equal lines.
    func line(as format: LogFormat) -> String {
        switch format {
        case .json: jsonLine
        case .plain: plainLine
        }
    }

    private var jsonLine: String {
        var line = "{\"time\":\"\(time.text)\",\"level\":\"\(level.rawValue)\",\"label\":"
        LogText.appendQuoted(label, to: &line)
        line += ",\"message\":"
        LogText.appendQuoted(message, to: &line)
        if let error {
            line += ",\"error\":"
            LogText.appendQuoted(error, to: &line)
        }
        if !metadata.isEmpty {
            line += ",\"metadata\":"
            Self.appendJSON(.dictionary(metadata), to: &line)
        }
        return line + "}\n"
    }

    private var plainLine: String {
        var line = "\(time.text) \(level.rawValue) "
        // A message is a sentence and stands bare; only what would break the line makes it quoted.
        if message.unicodeScalars.allSatisfy({ $0 >= " " && !("\u{7F}"..."\u{9F}").contains($0) }) {
            line += LogText.clipped(message)
        } else {
            LogText.appendQuoted(message, to: &line)
        }
        var pairs = metadata
        if let error { pairs[LogKey.error] = .string(error) }
        for (key, value) in pairs.sorted(by: { $0.key < $1.key }) {
            line += " "
            LogText.appendWord(key, to: &line)
            line += "="
            LogText.appendWord(value.description, to: &line)
        }
        return line + "\n"
    }

    private static func appendJSON(_ value: Logger.MetadataValue, to line: inout String) {
        switch value {
        case .string(let text): LogText.appendQuoted(text, to: &line)
        case .stringConvertible(let value): LogText.appendQuoted(value.description, to: &line)
        case .array(let values):
            line += "["
            for (index, value) in values.enumerated() {
                if index > 0 { line += "," }
                appendJSON(value, to: &line)
            }
            line += "]"
        case .dictionary(let metadata):
            line += "{"
            for (index, (key, value)) in metadata.sorted(by: { $0.key < $1.key }).enumerated() {
                if index > 0 { line += "," }
                LogText.appendQuoted(key, to: &line)
                line += ":"
                appendJSON(value, to: &line)
            }
            line += "}"
        }
    }
}
