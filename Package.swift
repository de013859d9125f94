// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0

import PackageDescription

#if canImport(Glibc)
import Glibc
#endif

/// One list of settings for every target, so that no module plays by rules of its own.
let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

/// What requests cross is built for release without the run-time checks of exclusive access, which took a quarter of the
/// instructions that a request costs there. Tests are built for debugging, and so run with all of them.
let hotSettings = settings + [.unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release))]

/// A library or program of ours. `on` names what it may import; `scripts/check-layers.sh` holds it to that.
///
/// - Parameter isHot: every request crosses it.
func library(_ name: String, on dependencies: [Target.Dependency] = [], isHot: Bool = false) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: isHot ? hotSettings : settings)
}

/// Programs are relocated when they start. As a list of addresses that takes a megabyte of a worker's memory for good; packed into
/// bits (RELR), some kilobytes, where the C library understands it.
func linking() -> [LinkerSetting] {
    guard let glibc = glibc(), glibc >= (2, 36) else { return [] }
    let flags = ["-use-ld=lld", "-Xlinker", "-z", "-Xlinker", "pack-relative-relocs"]
    return [.unsafeFlags(flags, .when(platforms: [.linux], configuration: .release))]
}

/// The version of the GNU C library that this is built on; nil where it is another library.
func glibc() -> (Int, Int)? {
    #if canImport(Glibc)
    var name = [CChar](repeating: 0, count: 64)
    confstr(numericCast(_CS_GNU_LIBC_VERSION), &name, name.count)
    let numbers = String(cString: name).split { !$0.isNumber }.compactMap { Int($0) }
    return numbers.count >= 2 ? (numbers[0], numbers[1]) : nil
    #else
    return nil
    #endif
}

/// - Parameters:
///   - path: the target's folder, where it is not the one of its name under `Sources`.
///   - exclude: folders in it that are another target's.
func program(
    _ name: String, on dependencies: [Target.Dependency], path: String? = nil, exclude: [String] = []
) -> Target {
    .executableTarget(
        name: name, dependencies: dependencies, path: path, exclude: exclude, swiftSettings: settings,
        linkerSettings: linking())
}

func tests(_ name: String, on dependencies: [Target.Dependency], resources: [Resource] = []) -> Target {
    .testTarget(
        name: name, dependencies: dependencies + ["TurnpikeTestSupport"], resources: resources,
        swiftSettings: settings
    )
}

let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let metrics = Target.Dependency.product(name: "Metrics", package: "swift-metrics")
let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let x509 = Target.Dependency.product(name: "X509", package: "swift-certificates")
let asn1 = Target.Dependency.product(name: "SwiftASN1", package: "swift-asn1")
let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioEmbedded = Target.Dependency.product(name: "NIOEmbedded", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let nioHTTP1 = Target.Dependency.product(name: "NIOHTTP1", package: "swift-nio")
let nioTLS = Target.Dependency.product(name: "NIOTLS", package: "swift-nio")
let nioHPACK = Target.Dependency.product(name: "NIOHPACK", package: "swift-nio-http2")
let nioHTTP2 = Target.Dependency.product(name: "NIOHTTP2", package: "swift-nio-http2")
let nioSSL = Target.Dependency.product(name: "NIOSSL", package: "swift-nio-ssl")
let nioHTTPTypes = Target.Dependency.product(name: "HTTPTypes", package: "swift-http-types")
let httpClient = Target.Dependency.product(name: "AsyncHTTPClient", package: "async-http-client")
let lifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let unixSignals = Target.Dependency.product(name: "UnixSignals", package: "swift-service-lifecycle")
let hummingbird = Target.Dependency.product(name: "Hummingbird", package: "hummingbird")
let hummingbirdCore = Target.Dependency.product(name: "HummingbirdCore", package: "hummingbird")
let hummingbirdTesting = Target.Dependency.product(name: "HummingbirdTesting", package: "hummingbird")
let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
let sqlite = Target.Dependency.product(name: "GRDBSQLite", package: "GRDB.swift")
let arguments = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let configuration = Target.Dependency.product(name: "Configuration", package: "swift-configuration")
let openSSL = Target.Dependency.byName(name: "COpenSSL", condition: .when(platforms: [.linux]))
let yams = Target.Dependency.product(name: "Yams", package: "Yams")

let package = Package(
    name: "turnpike",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-asn1", from: "1.7.0"),
        .package(url: "https://github.com/apple/swift-certificates", from: "1.21.0"),
        .package(url: "https://github.com/apple/swift-configuration", from: "1.4.0"),
        .package(url: "https://github.com/apple/swift-crypto", "3.12.0"..<"5.0.0"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-nio-http2", from: "1.46.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.0"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.0"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        // Foundations: words everybody uses.
        library("TurnpikeModel"),
        library("TurnpikeTelemetry", on: [logging, metrics, lifecycle, unixSignals], isHot: true),

        // Contracts: what crosses between control plane and workers, and arithmetic both rely on.
        library("TurnpikeMetering", on: ["TurnpikeModel"], isHot: true),
        library("TurnpikeSnapshot", on: ["TurnpikeModel", "TurnpikeMetering"]),
        library("TurnpikeIdentity", on: ["TurnpikeModel", "TurnpikeSnapshot", crypto, x509, asn1], isHot: true),

        // Engines: pure, without I/O, except for the transports.
        library("TurnpikeCompiler", on: ["TurnpikeModel", "TurnpikeSnapshot"]),
        library("TurnpikeProxyCore", on: ["TurnpikeModel", "TurnpikeSnapshot", "TurnpikeMetering"], isHot: true),
        .target(name: "CEpoll"),
        .systemLibrary(name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
        library(
            "TurnpikeProxy",
            on: [
                "CEpoll", openSSL, "TurnpikeModel", "TurnpikeTelemetry", "TurnpikeSnapshot", "TurnpikeMetering",
                "TurnpikeProxyCore", logging, nioCore, nioHPACK, nioHTTP2, nioPosix, nioSSL, nioTLS,
            ],
            isHot: true
        ),

        // Application: use cases of the control plane and of a worker.
        library(
            "TurnpikeControl",
            on: [
                "TurnpikeModel", "TurnpikeTelemetry", "TurnpikeSnapshot", "TurnpikeMetering", "TurnpikeIdentity",
                "TurnpikeCompiler", "TurnpikeProxyCore", logging,
            ]
        ),
        library(
            "TurnpikeWorker",
            on: [
                "TurnpikeModel", "TurnpikeTelemetry", "TurnpikeSnapshot", "TurnpikeMetering", "TurnpikeIdentity",
                "TurnpikeProxyCore", "TurnpikeProxy", logging, httpClient, lifecycle, nioCore, nioHTTP1, nioPosix,
                nioSSL, unixSignals,
            ],
            isHot: true
        ),

        // Adapters: one heavy dependency each.
        library(
            "TurnpikeSQLite",
            on: [
                "TurnpikeModel", "TurnpikeTelemetry", "TurnpikeSnapshot", "TurnpikeMetering", "TurnpikeControl",
                logging,
                grdb, sqlite,
            ]
        ),
        library(
            "TurnpikeAPI",
            on: [
                "TurnpikeModel", "TurnpikeTelemetry", "TurnpikeSnapshot", "TurnpikeMetering", "TurnpikeIdentity",
                "TurnpikeControl", logging, hummingbird, hummingbirdCore, lifecycle, nioCore, nioHTTP1, nioHTTPTypes,
                nioSSL, nioTLS,
            ]
        ),

        // Programs: wiring.
        program(
            "turnpike",
            on: [
                "TurnpikeModel", "TurnpikeTelemetry", "TurnpikeSnapshot", "TurnpikeMetering", "TurnpikeIdentity",
                "TurnpikeControl", "TurnpikeSQLite", "TurnpikeAPI", logging, metrics, arguments, configuration,
                httpClient,
                lifecycle, nioCore, nioHTTP1, nioPosix, nioSSL, unixSignals, yams,
            ]
        ),
        program(
            "turnpike-worker",
            on: [
                "TurnpikeModel", "TurnpikeTelemetry", "TurnpikeProxyCore", "TurnpikeProxy", "TurnpikeWorker", logging,
                metrics, arguments, configuration, lifecycle,
            ]
        ),

        // Measures the programs from outside, and the control plane's writes from within too; raw SQLite is what it compares
        // them with.
        program(
            "turnpike-bench",
            on: [
                "TurnpikeModel", "TurnpikeTelemetry", "TurnpikeSnapshot", "TurnpikeIdentity", "TurnpikeControl",
                "TurnpikeSQLite", logging, arguments, nioCore, nioPosix, sqlite,
            ],
            path: "Benchmarks", exclude: ["Core"]
        ),
        // Runs the engine alone, for tools that count instructions and allocations.
        program(
            "turnpike-cost", on: ["TurnpikeModel", "TurnpikeSnapshot", "TurnpikeMetering", "TurnpikeProxyCore"],
            path: "Benchmarks/Core"
        ),

        // Tests. The tree mirrors Sources.
        library(
            "TurnpikeTestSupport",
            on: ["TurnpikeModel", "TurnpikeSnapshot", "TurnpikeMetering", "TurnpikeControl"]
        ),
        tests("TurnpikeModelTests", on: ["TurnpikeModel"]),
        tests("TurnpikeTelemetryTests", on: ["TurnpikeTelemetry", logging, metrics]),
        tests("TurnpikeSnapshotTests", on: ["TurnpikeModel", "TurnpikeMetering", "TurnpikeSnapshot"]),
        tests("TurnpikeMeteringTests", on: ["TurnpikeModel", "TurnpikeMetering"]),
        tests("TurnpikeIdentityTests", on: ["TurnpikeModel", "TurnpikeSnapshot", "TurnpikeIdentity"]),
        tests(
            "TurnpikeCompilerTests", on: ["TurnpikeModel", "TurnpikeSnapshot", "TurnpikeCompiler"],
            resources: [.copy("Golden")]
        ),
        tests(
            "TurnpikeProxyCoreTests",
            on: ["TurnpikeModel", "TurnpikeSnapshot", "TurnpikeMetering", "TurnpikeProxyCore"],
            resources: [.copy("Fuzzing/Corpus")]
        ),
        tests(
            "TurnpikeProxyTests",
            on: [
                openSSL, "TurnpikeModel", "TurnpikeSnapshot", "TurnpikeMetering", "TurnpikeProxyCore", "TurnpikeProxy",
                "TurnpikeTelemetry", logging, nioCore, nioEmbedded, nioHPACK, nioHTTP2, nioPosix, nioSSL, nioTLS,
            ]
        ),
        tests(
            "TurnpikeControlTests",
            on: [
                "TurnpikeModel", "TurnpikeSnapshot", "TurnpikeMetering", "TurnpikeIdentity", "TurnpikeCompiler",
                "TurnpikeControl", "TurnpikeProxyCore", "TurnpikeTelemetry", logging,
            ]
        ),
        tests(
            "TurnpikeWorkerTests",
            on: [
                "TurnpikeModel", "TurnpikeSnapshot", "TurnpikeMetering", "TurnpikeIdentity", "TurnpikeProxyCore",
                "TurnpikeProxy", "TurnpikeWorker", "TurnpikeTelemetry", lifecycle, logging, nioCore, nioHTTP1, nioPosix,
            ],
            resources: [.copy("Tracing/Golden")]
        ),
        tests(
            "TurnpikeSQLiteTests",
            on: [
                "TurnpikeModel", "TurnpikeSnapshot", "TurnpikeMetering", "TurnpikeControl", "TurnpikeSQLite",
                "TurnpikeTelemetry",
                logging, grdb,
            ]
        ),
        tests(
            "TurnpikeAPITests",
            on: [
                "TurnpikeModel", "TurnpikeSnapshot", "TurnpikeMetering", "TurnpikeIdentity", "TurnpikeControl",
                "TurnpikeSQLite", "TurnpikeAPI", "TurnpikeTelemetry", logging, hummingbird, hummingbirdTesting, nioCore,
                yams, nioHTTPTypes,
            ]
        ),
        tests(
            "EndToEndTests",
            on: [
                "TurnpikeModel", "TurnpikeTelemetry", "TurnpikeIdentity", "TurnpikeControl", "TurnpikeProxyCore",
                "TurnpikeProxy",
                "TurnpikeWorker", "turnpike", "turnpike-worker",
                logging, arguments,
                httpClient, nioCore,
                nioHTTP1,
                nioPosix, nioSSL, yams,
            ]
        ),
    ]
)

// Builds are slow on small machines. `TURNPIKE_ONLY=TurnpikeProxyCoreTests swift test` keeps that target and what it
// rests upon, and leaves the rest of the package out of the plan.
if let only = Context.environment["TURNPIKE_ONLY"], !only.isEmpty {
    let byName = Dictionary(uniqueKeysWithValues: package.targets.map { ($0.name, $0) })
    var kept: Set<String> = []
    var pending = only.split(separator: ",").map(String.init)
    while let name = pending.popLast() {
        guard let target = byName[name], kept.insert(name).inserted else { continue }
        for case .byNameItem(let dependency, _) in target.dependencies { pending.append(dependency) }
    }
    package.targets.removeAll { !kept.contains($0.name) }
}
