// SPDX-License-Identifier: Apache-2.0

import TurnpikeIdentity
import TurnpikeModel
import TurnpikeProxy

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A folder from which a gateway takes certificates with their keys.
///
/// Each pair of files `NAME.crt` and `NAME.key`, or `fullchain.pem` and `privkey.pem`, is a certificate's chain and its key, in
/// the folder itself or in one beneath it, a tenant's for instance. These keys stay in their files and in this process: the control
/// plane never sees them.
struct CertificateFolder: Sendable {
    /// Certificates at most.
    static let mostPairs = 10_000
    static let fileLimitBytes = 256 << 10

    let path: String

    /// A certificate as it was found.
    struct Certificate: Sendable {
        var pair: Pair
        /// PEM.
        var chain: [UInt8]
        /// PEM.
        var key: [UInt8]
        var facts: CertificateFacts
    }

    struct Pair: Sendable, Hashable {
        /// Paths.
        var chain: String
        var key: String
        /// The name of the folder beneath; nil for the folder itself.
        var folder: String?
        /// Of the chain's file, without its ending.
        var name: String
    }

    /// - Throws: ``FileFailure``, ``CertificateFailure``: the first file that cannot be used.
    func read() throws -> [Certificate] {
        try pairs().map { pair in
            guard let chain = try DurableFile.read(pair.chain, limit: Self.fileLimitBytes),
                let key = try DurableFile.read(pair.key, limit: Self.fileLimitBytes)
            else { throw CertificateFailure(source: pair.chain, reason: "it vanished while it was read") }
            do {
                let facts = try CertificateFacts(chain: String(decoding: chain, as: UTF8.self))
                return Certificate(pair: pair, chain: chain, key: key, facts: facts)
            } catch {
                throw CertificateFailure(source: pair.chain, reason: "\(error)")
            }
        }
    }

    /// Changes whenever a file of a certificate does: what they are, how large, and since when.
    func fingerprint() throws -> [String] {
        try pairs().flatMap { pair in
            [pair.chain, pair.key].map { path in
                var status = stat()
                guard stat(path, &status) == 0 else { return path }
                return "\(path) \(status.st_ino) \(status.st_size) \(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec)"
            }
        }
    }

    /// In the order of their names, so that the later of two for one name is always the same.
    private func pairs() throws -> [Pair] {
        var found: [Pair] = []
        for folder in try [nil] + folders() {
            let place = folder.map { "\(path)/\($0)" } ?? path
            let names = Set(try Self.names(in: place))
            for name in names.sorted() {
                guard let key = Self.keyName(of: name), names.contains(key) else { continue }
                found.append(
                    Pair(
                        chain: "\(place)/\(name)", key: "\(place)/\(key)", folder: folder,
                        name: String(name.dropLast(4))))
            }
            guard found.count <= Self.mostPairs else {
                throw CertificateFailure(source: path, reason: "there are more than \(Self.mostPairs) certificates")
            }
        }
        return found
    }

    private static func keyName(of name: String) -> String? {
        if name == "fullchain.pem" { return "privkey.pem" }
        return name.hasSuffix(".crt") ? name.dropLast(4) + ".key" : nil
    }

    private func folders() throws -> [String?] {
        // Names with a dot in front are not people's: those by which Kubernetes exchanges a volume's files, say.
        try Self.names(in: path).filter { !$0.hasPrefix(".") && Self.isFolder("\(path)/\($0)") }.sorted()
    }

    private static func isFolder(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    private static func names(in folder: String) throws(FileFailure) -> [String] {
        guard let directory = opendir(folder) else { throw .last("open", folder) }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }
}
