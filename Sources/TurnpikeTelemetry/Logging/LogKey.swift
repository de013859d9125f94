// SPDX-License-Identifier: Apache-2.0

/// The keys of log metadata, so that one thing is found under one key in every record.
///
/// They are spelled as the REST API spells its fields. None of them names a secret.
public enum LogKey {
    public static let requestID = "requestId"
    public static let traceID = "traceId"
    public static let method = "method"
    public static let host = "host"
    public static let path = "path"
    public static let status = "status"
    /// Milliseconds, as a number with a fraction.
    public static let durationMilliseconds = "durationMs"
    public static let bytesIn = "bytesIn"
    public static let bytesOut = "bytesOut"
    public static let remoteAddress = "remoteAddress"
    public static let listenAddress = "listenAddress"
    public static let transport = "transport"
    /// How many event loops there are.
    public static let loops = "loops"

    public static let tenant = "tenant"
    public static let service = "service"
    public static let route = "route"
    public static let policy = "policy"
    public static let quota = "quota"
    public static let kind = "kind"
    public static let name = "name"
    /// The id of an API key, never the key.
    public static let keyID = "keyId"
    /// The id or name of whoever made a change.
    public static let actor = "actor"
    public static let endpoint = "endpoint"
    public static let upstream = "upstream"

    public static let revision = "revision"
    public static let worker = "worker"
    public static let epoch = "epoch"
    public static let sequence = "sequence"
    public static let lease = "lease"
    public static let attempt = "attempt"
    public static let delayMilliseconds = "delayMs"
    public static let count = "count"
    /// What was asked for, with how often.
    public static let operations = "operations"
    public static let file = "file"
    public static let reason = "reason"
    public static let code = "code"
    public static let error = "error"
}
