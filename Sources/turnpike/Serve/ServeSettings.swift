// SPDX-License-Identifier: Apache-2.0

import Configuration
import FoundationEssentials
import Logging
import TurnpikeControl
import TurnpikeModel
import TurnpikeTelemetry

/// What the control plane is told at its start. Each key may come from a flag, else from the environment, else from the
/// configuration file.
///
/// Configuration keys:
/// - `listen` (`--listen`, `TURNPIKE_LISTEN`): host and port. Default `127.0.0.1:8080`.
/// - `data` (`--data`, `TURNPIKE_DATA`): the folder that holds the database. Default `./turnpike-data`.
/// - `sealingKeyFile` (`--sealing-key-file`, `TURNPIKE_SEALING_KEY_FILE`): the file of the key under which private keys of
///   certificates are kept, 64 hexadecimal digits; made where there is none. Default: `sealing.key` in the data folder.
/// - `log.format` (`--log-format`, `TURNPIKE_LOG_FORMAT`): `text` or `json`; `plain` means `text`. Default `text`.
/// - `log.level` (`--log-level`, `TURNPIKE_LOG_LEVEL`): `trace`, `debug`, `info`, `notice`, `warning`, `error` or
///   `critical`. Default `info`.
/// - `log.retention` (`--log-retention`, `TURNPIKE_LOG_RETENTION`): how long entries of the log are kept, such as `90d`, at
///   least `1d`. Default: for ever.
/// - `drainTimeout` (`--drain-timeout`, `TURNPIKE_DRAIN_TIMEOUT`): how long a shutdown may take for answers under way and for
///   workers to take the newest state, at most `24h`. Default `10s`.
/// - `trustedProxies` (`--trusted-proxies`, `TURNPIKE_TRUSTED_PROXIES`): addresses and ranges of proxies, with commas between
///   them, whose `X-Forwarded-For` or `Forwarded` says whom a request comes from; up to 256. Default: none.
/// - `openapi` (`TURNPIKE_OPENAPI`): the file served as `/openapi.yaml`. Default: the one that came with the program.
/// - `bootstrap.token` (`TURNPIKE_BOOTSTRAP_TOKEN`, secret): the first operator's token, taken at the first start only.
///   Default: one is made and printed.
/// - `tenant.resources` (`TURNPIKE_TENANT_RESOURCES`): resources of all kinds that one tenant may have. Default 200000.
/// - `tenant.requests` (`TURNPIKE_TENANT_REQUESTS`): requests a second by tokens that are bound to the tenant, all together;
///   twice that at once. At most 100000. Default 100.
/// - `tenant.bundle.items` (`TURNPIKE_TENANT_BUNDLE_ITEMS`): items of one bundle by such a token, at most 200000.
///   Default 10000.
/// - `tenant.bundle.bytes` (`TURNPIKE_TENANT_BUNDLE_BYTES`): its size. Default 8388608.
/// - `tenant.feeds` (`TURNPIKE_TENANT_FEEDS`): feeds of the log that such tokens may have open, all together. Default 50.
/// - `tls.…`: see ``TLSSettings``.
struct ServeSettings: Sendable {
    /// What is wrong with a setting, in a sentence.
    struct Fault: Error {
        var reason: String
    }

    var listen: ListenAddress
    var dataFolder: String
    /// `nil`: beside the database.
    var sealingKeyFile: String?
    var logFormat: LogFormat
    var logLevel: Logger.Level
    var openAPI: String?
    /// `nil`: the log is kept for ever.
    var retention: Duration?
    var drainTimeout: Duration
    var trustedProxies: [AddressRange]
    var bootstrapToken: String?
    var tenantLimits: TenantLimits
    var tls: TLSSettings

    /// - Parameters:
    ///   - flags: what the command line gave, by key.
    ///   - file: the text of the configuration file, a JSON object.
    init(flags: [String: String], environment: [String: String], file: String?) throws(Fault) {
        let reader = ConfigReader(providers: [
            ServeSettings.provider("flags", flags),
            EnvironmentVariablesProvider(environmentVariables: environment, secretsSpecifier: .all)
                .prefixKeys(with: "turnpike"),
            ServeSettings.provider("file", try file.map(ServeSettings.values) ?? [:]),
        ])
        let address = reader.string(forKey: "listen", default: "127.0.0.1:8080")
        guard let listen = ListenAddress(address) else {
            throw Fault(reason: "'\(address)' is no address to listen on, such as 127.0.0.1:8080 or [::1]:8080.")
        }
        self.listen = listen
        dataFolder = reader.string(forKey: "data", default: "./turnpike-data")
        sealingKeyFile = reader.string(forKey: "sealingKeyFile")
        logFormat = try ServeSettings.logFormat(reader.string(forKey: "log.format"))
        logLevel = try ServeSettings.logLevel(reader.string(forKey: "log.level"))
        openAPI = reader.string(forKey: "openapi")
        retention = try reader.string(forKey: "log.retention").map(ServeSettings.retention)
        drainTimeout = try ServeSettings.drainTimeout(reader.string(forKey: "drainTimeout", default: "10s"))
        trustedProxies = try ServeSettings.trustedProxies(reader.string(forKey: "trustedProxies"))
        bootstrapToken = reader.string(forKey: "bootstrap.token", isSecret: true)
        var limits = TenantLimits()
        for (key, path, range) in ServeSettings.tenantKeys {
            guard let text = reader.string(forKey: ConfigKey(key)) else { continue }
            guard let number = Int(text), range.contains(number) else {
                throw Fault(
                    reason:
                        "'\(text)' is no \(key); it must be a number from \(range.lowerBound) to \(range.upperBound).")
            }
            limits[keyPath: path] = number
        }
        tenantLimits = limits
        tls = try TLSSettings(names: listen.certificateNames) { key in
            reader.string(forKey: ConfigKey(key)).flatMap { $0.isEmpty ? nil : $0 }
        }
    }

    /// The limits of tenants, each a number.
    private static var tenantKeys: [(key: String, path: WritableKeyPath<TenantLimits, Int>, range: ClosedRange<Int>)] {
        [
            ("tenant.resources", \.resources, 1...1_000_000_000), ("tenant.requests", \.requestsPerSecond, 1...100_000),
            ("tenant.bundle.items", \.bundleItems, 1...TurnpikeControl.Bundle.maximumItems),
            ("tenant.bundle.bytes", \.bundleBytes, 1024...(64 << 20)), ("tenant.feeds", \.feeds, 1...1000),
        ]
    }

    private static func retention(_ text: String) throws(Fault) -> Duration {
        guard let duration = Duration(text: text), duration >= .seconds(86_400) else {
            throw Fault(reason: "'\(text)' is no log.retention; it must be a duration of at least 1d, such as 90d.")
        }
        return duration
    }

    private static func trustedProxies(_ text: String?) throws(Fault) -> [AddressRange] {
        guard let text else { return [] }
        do { return try AddressRange.proxies(text) } catch { throw Fault(reason: error.reason) }
    }

    private static func drainTimeout(_ text: String) throws(Fault) -> Duration {
        guard let duration = Duration(text: text), duration > .zero, duration <= .seconds(86_400) else {
            throw Fault(
                reason: "'\(text)' is no drainTimeout; it must be like 250ms, 10s or 5m, above 0s and at most 24h.")
        }
        return duration
    }

    private static func logFormat(_ text: String?) throws(Fault) -> LogFormat {
        switch text {
        case nil, "text", "plain": return .plain
        case "json": return .json
        case let other?: throw Fault(reason: "'\(other)' is no log.format; it must be one of text, json.")
        }
    }

    private static func logLevel(_ text: String?) throws(Fault) -> Logger.Level {
        guard let text else { return .info }
        if let level = Logger.Level(rawValue: text) { return level }
        let levels = Logger.Level.allCases.map(\.rawValue).joined(separator: ", ")
        throw Fault(reason: "'\(text)' is no log.level; it must be one of \(levels).")
    }
}

// MARK: - The configuration file

extension ServeSettings {
    /// All that there is to set.
    static let keys =
        [
            "listen", "data", "sealingKeyFile", "log.format", "log.level", "log.retention", "drainTimeout",
            "trustedProxies", "openapi",
            "bootstrap.token",
        ] + tenantKeys.map { $0.key } + TLSSettings.keys

    private static func provider(_ name: String, _ values: [String: String]) -> InMemoryProvider {
        var settings: [AbsoluteConfigKey: ConfigValue] = [:]
        for (key, value) in values {
            settings[AbsoluteConfigKey(ConfigKey(key))] = ConfigValue(
                .string(value), isSecret: key == "bootstrap.token")
        }
        return InMemoryProvider(name: name, values: settings)
    }

    /// The file's texts by key, `{"log": {"level": "debug"}}` as `log.level`. A key that nobody knows is a mistake.
    private static func values(in text: String) throws(Fault) -> [String: String] {
        let json: JSON
        do {
            json = try JSON.parse(text)
        } catch {
            throw Fault(reason: "The configuration file is not valid JSON: \(error).")
        }
        guard let object = json.object else { throw Fault(reason: "The configuration file must hold a JSON object.") }
        var values: [String: String] = [:]
        try collect(object, below: "", into: &values)
        return values
    }

    private static func collect(
        _ object: JSONObject, below prefix: String, into values: inout [String: String]
    ) throws(Fault) {
        for member in object.members {
            let key = prefix + member.name
            switch member.value {
            case .object(let inner) where keys.contains { $0.hasPrefix(key + ".") }:
                try collect(inner, below: key + ".", into: &values)
            case .string(let text) where keys.contains(key): values[key] = text
            case _ where keys.contains(key): throw Fault(reason: "The configuration file's '\(key)' must be a string.")
            default: throw Fault(reason: "The configuration file's '\(key)' is no setting.")
            }
        }
    }
}
