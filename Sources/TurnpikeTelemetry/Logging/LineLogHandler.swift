// SPDX-License-Identifier: Apache-2.0

public import Logging

/// Writes each log record as one line, secrets masked.
///
/// Metadata of the call stands over the logger's, and that over the provider's. A program sets it up once:
/// `LoggingSystem.bootstrap { LineLogHandler(label: $0, format: .json) }`.
public struct LineLogHandler: LogHandler {
    public var logLevel: Logger.Level
    public var metadata: Logger.Metadata = [:]
    public var metadataProvider: Logger.MetadataProvider?

    private let label: String
    private let format: LogFormat
    private let output: any LogOutput
    private let now: @Sendable () -> LogTime

    /// - Parameters:
    ///   - level: The least level that is written. Default `info`.
    ///   - output: Default standard error, which leaves standard output to what a program answers.
    ///   - now: The clock; a parameter for tests.
    public init(
        label: String,
        format: LogFormat,
        level: Logger.Level = .info,
        output: any LogOutput = FileDescriptorOutput.standardError,
        metadataProvider: Logger.MetadataProvider? = nil,
        now: @escaping @Sendable () -> LogTime = { LogTime.now }
    ) {
        self.label = label
        self.format = format
        logLevel = level
        self.output = output
        self.metadataProvider = metadataProvider
        self.now = now
    }

    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    public func log(event: LogEvent) {
        var merged = metadataProvider?.get() ?? [:]
        merged.merge(metadata) { _, logger in logger }
        merged.merge(event.metadata ?? [:]) { _, call in call }
        let record = LogRecord(
            time: now(),
            level: event.level,
            label: label,
            message: Redaction.masked(event.message.description),
            error: event.error.map { Redaction.masked(String(describing: $0)) },
            metadata: Redaction.masked(merged)
        )
        output.write(record.line(as: format))
    }
}
