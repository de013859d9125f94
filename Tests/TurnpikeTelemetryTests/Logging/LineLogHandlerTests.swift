// SPDX-License-Identifier: Apache-2.0

import Logging
import Synchronization
import Testing
import TurnpikeTelemetry

@Suite struct LineLogHandlerTests {
    private func lines(
        _ format: LogFormat,
        level: Logger.Level = .info,
        _ body: (inout Logger) -> Void
    ) -> [String] {
        let output = CollectingOutput()
        var logger = Logger(label: "turnpike") { label in
            LineLogHandler(label: label, format: format, level: level, output: output) { LogTime(milliseconds: 0) }
        }
        body(&logger)
        return output.lines
    }

    @Test func `a record is one line of JSON`() {
        let lines = lines(.json) { logger in
            logger[metadataKey: "worker"] = "wrk_1"
            logger.warning("stream closed", metadata: ["attempt": "3", "at": ["b": "2", "a": ["x", "y"]]])
        }
        #expect(
            lines == [
                #"{"time":"1970-01-01T00:00:00.000Z","level":"warning","label":"turnpike","message":"stream closed","#
                    + #""metadata":{"at":{"a":["x","y"],"b":"2"},"attempt":"3","worker":"wrk_1"}}"# + "\n"
            ]
        )
    }

    @Test func `a record without metadata has none in JSON`() {
        let lines = lines(.json) { $0.info("started") }
        #expect(
            lines == [
                #"{"time":"1970-01-01T00:00:00.000Z","level":"info","label":"turnpike","message":"started"}"# + "\n"
            ]
        )
    }

    @Test func `a plain line reads as time, level, message and pairs`() {
        let lines = lines(.plain) { logger in
            logger.info("request served", metadata: ["status": "200", "path": "/a b", "empty": "", "q": "a=b"])
        }
        #expect(
            lines == [#"1970-01-01T00:00:00.000Z info request served empty="" path="/a b" q="a=b" status=200"# + "\n"]
        )
    }

    @Test(arguments: LogFormat.allCases)
    func `no text can break a line or move a terminal's cursor`(format: LogFormat) {
        let hostile = "a\nb\r\u{1B}[2J\u{85}\0\""
        let lines = lines(format) { logger in
            logger.error("\(hostile)", metadata: ["path": "\(hostile)", "\(hostile)": "v"])
        }
        #expect(lines.count == 1)
        let body = lines[0].dropLast()
        #expect(lines[0].hasSuffix("\n"))
        #expect(body.unicodeScalars.allSatisfy { $0 >= " " && !("\u{7F}"..."\u{9F}").contains($0) })
        #expect(body.contains(#"a\nb\r\u001b[2J\u0085\u0000\""#))
    }

    @Test(arguments: LogFormat.allCases)
    func `no secret is written, from metadata, message or error`(format: LogFormat) {
        let lines = lines(format) { logger in
            logger[metadataKey: "authorization"] = "Bearer s3cr3t"
            logger.error(
                "refused tp_live_s3cr3t",
                error: Failure(detail: "tp_op_s3cr3t"),
                metadata: ["X-Api-Key": "s3cr3t", "note": "tp_join_s3cr3t"]
            )
        }
        #expect(lines.count == 1)
        #expect(!lines[0].contains("s3cr3t"))
        #expect(lines[0].contains("tp_live_***") && lines[0].contains("tp_op_***"))
    }

    @Test func `records below the level are not written`() {
        let lines = lines(.plain, level: .notice) { logger in
            logger.info("quiet")
            logger.notice("loud")
        }
        #expect(lines == ["1970-01-01T00:00:00.000Z notice loud\n"])
    }

    @Test func `the call's metadata stands over the logger's, and that over the provider's`() {
        let output = CollectingOutput()
        let provider = Logger.MetadataProvider { ["a": "provider", "b": "provider", "c": "provider"] }
        var logger = Logger(label: "x") { label in
            LineLogHandler(label: label, format: .plain, output: output, metadataProvider: provider) {
                LogTime(milliseconds: 0)
            }
        }
        logger[metadataKey: "b"] = "logger"
        logger[metadataKey: "c"] = "logger"
        logger.info("m", metadata: ["c": "call"])
        #expect(output.lines == ["1970-01-01T00:00:00.000Z info m a=provider b=logger c=call\n"])
    }

    @Test func `long text is cut at a whole character`() {
        let lines = lines(.plain) { $0.info("\(String(repeating: "x", count: 4095))ééé") }
        #expect(lines[0].hasSuffix("xxx…\n"))
        #expect(!lines[0].contains("é"))
    }
}

/// Keeps what is written, for tests to read.
private final class CollectingOutput: LogOutput {
    private let written = Mutex<[String]>([])

    var lines: [String] { written.withLock { $0 } }

    func write(_ line: String) {
        written.withLock { $0.append(line) }
    }
}

private struct Failure: Error {
    let detail: String
}
