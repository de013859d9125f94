// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Logging
import TurnpikeAPI
import TurnpikeControl
import TurnpikeIdentity
import TurnpikeTelemetry
import TurnpikeTestSupport

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// The API on a real socket, for what a connection makes of it.
struct LiveServer: Sendable {
    let control: ControlPlane
    let api: APIServer
    let port: Int
    /// Those that the API counts in.
    let metrics: MetricsRegistry

    /// Serves on a free port while the body runs.
    ///
    /// - Parameter isLoaded: whether requests are the control plane's already.
    static func run(
        isLoaded: Bool = true, _ configure: (inout APIOptions) -> Void = { _ in },
        _ body: (LiveServer) async throws -> Void
    ) async throws {
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let control = try await ControlPlane.start(
            store: InMemoryStore(), clock: ManualWallClock(), sealingKeys: SealingKeys(SealingKey()), logger: logger,
            metrics: MetricsRegistry())
        _ = try await control.bootstrapOperator(token: TestServer.token)
        var options = APIOptions(port: 0, openAPI: [])
        configure(&options)
        let metrics = MetricsRegistry()
        let server = APIServer(options: options, progress: LoadingProgress(), logger: logger, metrics: metrics)
        if isLoaded { server.open(control) }
        let (ports, port) = AsyncStream.makeStream(of: Int.self)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                defer { port.finish() }
                try await server.run { port.yield($0) }
            }
            for await number in ports {
                try await body(LiveServer(control: control, api: server, port: number, metrics: metrics))
                break
            }
            await control.shutDown()
            group.cancelAll()
        }
    }

    /// A request of the first operator's, as it goes over the wire.
    static func get(_ target: String) -> String {
        "GET \(target) HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \(TestServer.token)\r\n\r\n"
    }
}

/// One TCP connection.
final class RawConnection: Sendable {
    private let descriptor: Int32

    struct Failed: Error {}

    init(to server: LiveServer) throws {
        #if canImport(Glibc)
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        #else
        descriptor = socket(AF_INET, SOCK_STREAM, 0)
        #endif
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(server.port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else { throw Failed() }
    }

    deinit { close(descriptor) }

    func send(_ text: String) {
        let bytes = Array(text.utf8)
        _ = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
    }

    /// What comes next: empty once the server has closed the connection, `nil` where nothing comes in time.
    func receive(within limit: Duration = .seconds(30)) async -> String? {
        let descriptor = descriptor
        let milliseconds = Int32(limit.components.seconds * 1000 + limit.components.attoseconds / 1_000_000_000_000_000)
        return await withCheckedContinuation { continuation in
            // Blocks: not on a thread that the server's tasks may need.
            DispatchQueue.global().async {
                var wanted = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
                guard poll(&wanted, 1, milliseconds) == 1 else { return continuation.resume(returning: nil) }
                var bytes = [UInt8](repeating: 0, count: 65_536)
                let count = bytes.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
                continuation.resume(returning: String(decoding: bytes.prefix(max(0, count)), as: UTF8.self))
            }
        }
    }

    /// All that comes until it holds a text, or the server closes the connection.
    ///
    /// - Throws: where nothing more comes.
    func receive(until text: String) async throws -> String {
        var received = ""
        while !received.contains(text) {
            guard let part = await receive(), !part.isEmpty else { throw Failed() }
            received += part
        }
        return received
    }

    /// Whether the server closes the connection; what it sends before does not matter.
    func isClosed() async -> Bool {
        while let part = await receive() {
            if part.isEmpty { return true }
        }
        return false
    }

    func shutDown() { shutdown(descriptor, Int32(SHUT_RDWR)) }
}
