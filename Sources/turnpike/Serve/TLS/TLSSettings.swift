// SPDX-License-Identifier: Apache-2.0

/// How the API is secured.
///
/// Configuration keys:
/// - `tls.mode` (`--tls`, `TURNPIKE_TLS_MODE`): `off`: plain HTTP. `files`: TLS with a certificate that somebody else keeps.
///   `builtin`: TLS with certificates of a CA of the control plane's own, in the folder `ca` beside its database. Default:
///   `files` where there are files, else `off`.
/// - `tls.certificate` (`--tls-certificate`, `TURNPIKE_TLS_CERTIFICATE`): with `files`, a PEM file, the server's certificate
///   first, then those between it and the root.
/// - `tls.key` (`--tls-key`, `TURNPIKE_TLS_KEY`): with `files`, the PEM file of its private key.
/// - `tls.names` (`--tls-names`, `TURNPIKE_TLS_NAMES`): with `builtin`, the host names and addresses by which the control
///   plane is called, with commas between. Default: the address that it listens on, `localhost`, `127.0.0.1`, `::1` and
///   the machine's name.
/// - `tls.workers` (`--tls-workers`, `TURNPIKE_TLS_WORKERS`): what workers show: `credential`, or `certificate`: a
///   certificate too. Default `credential`.
/// - `tls.workerCa` (`--tls-worker-ca`, `TURNPIKE_TLS_WORKER_CA`): with `files`, a PEM file of the CAs that may vouch for
///   workers. With `builtin`, the control plane's own issues their certificates.
struct TLSSettings: Sendable, Hashable {
    enum Mode: Sendable, Hashable {
        case off
        case files(certificate: String, key: String)
        case builtin(names: [String])
    }

    /// Who may vouch for workers, where they have to show a certificate.
    enum WorkerAuthority: Sendable, Hashable {
        case builtin
        case file(String)
    }

    var mode: Mode
    /// `nil`: workers show their credential only.
    var workerAuthority: WorkerAuthority?

    static let keys = ["tls.mode", "tls.certificate", "tls.key", "tls.names", "tls.workers", "tls.workerCa"]

    /// - Parameters:
    ///   - names: by which the control plane is called where nothing else is said.
    ///   - text: a setting's value by its key; `nil` where it is not given or empty.
    init(names: @autoclosure () -> [String], _ text: (String) -> String?) throws(ServeSettings.Fault) {
        let files = (text("tls.certificate"), text("tls.key"))
        let hasFiles = files.0 != nil || files.1 != nil
        switch text("tls.mode") ?? (hasFiles ? "files" : "off") {
        case "off": mode = .off
        case "files":
            guard case (let certificate?, let key?) = files else {
                throw ServeSettings.Fault(reason: "tls.certificate and tls.key go together: give both files.")
            }
            mode = .files(certificate: certificate, key: key)
        case "builtin": mode = .builtin(names: try text("tls.names").map(TLSSettings.names) ?? names())
        case let other:
            throw ServeSettings.Fault(reason: "'\(other)' is no tls.mode; it must be one of off, files, builtin.")
        }
        if case .files = mode {
        } else if hasFiles {
            throw ServeSettings.Fault(reason: "tls.certificate and tls.key are of no use with this tls.mode.")
        }
        if case .builtin = mode {
        } else if text("tls.names") != nil {
            throw ServeSettings.Fault(reason: "tls.names is of use with tls.mode builtin only.")
        }
        workerAuthority = try TLSSettings.workerAuthority(mode, text("tls.workers"), text("tls.workerCa"))
    }

    private static func names(_ text: String) throws(ServeSettings.Fault) -> [String] {
        let names = text.split(separator: ",").map { $0.filter { $0 != " " } }.filter { !$0.isEmpty }
        guard !names.isEmpty, names.allSatisfy({ $0.utf8.count <= 255 && $0.utf8.allSatisfy { 0x21...0x7E ~= $0 } })
        else {
            throw ServeSettings.Fault(reason: "tls.names must name hosts or addresses, with commas between.")
        }
        return names
    }

    private static func workerAuthority(
        _ mode: Mode, _ workers: String?, _ file: String?
    ) throws(ServeSettings.Fault) -> WorkerAuthority? {
        switch (workers ?? "credential", mode, file) {
        case ("credential", _, nil): return nil
        case ("certificate", .builtin, nil): return .builtin
        case ("certificate", .files, let file?): return .file(file)
        case ("certificate", .files, nil):
            throw ServeSettings.Fault(reason: "tls.workers certificate needs tls.workerCa: who vouches for workers?")
        case ("certificate", .off, _):
            throw ServeSettings.Fault(reason: "tls.workers certificate needs TLS: see tls.mode.")
        case ("credential", _, _?), ("certificate", .builtin, _?):
            throw ServeSettings.Fault(
                reason: "tls.workerCa is of use with tls.mode files and tls.workers certificate only.")
        case (let other, _, _):
            throw ServeSettings.Fault(reason: "'\(other)' is no tls.workers; it must be credential or certificate.")
        }
    }

    /// The scheme of the API's URLs.
    var scheme: String { mode == .off ? "http" : "https" }
}
