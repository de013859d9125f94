// SPDX-License-Identifier: Apache-2.0

import Foundation
import TurnpikeAPI

/// Where the server's certificate comes from.
protocol CertificateSource: Sendable {
    /// What is there now. Blocks.
    func material() throws(TLSFault) -> TLSMaterial
}

/// A certificate and a key that somebody else keeps up to date.
struct CertificateFiles: CertificateSource {
    let certificate: String
    let key: String

    func material() throws(TLSFault) -> TLSMaterial {
        TLSMaterial(
            certificateChain: try PEMFile.read(certificate, as: "TLS certificate"),
            privateKey: try PEMFile.read(key, as: "TLS key"))
    }
}

enum PEMFile {
    /// Far beyond any chain.
    private static let limitBytes = 1 << 20

    /// - Parameter what: the file's meaning, for people.
    static func read(_ path: String, as what: String) throws(TLSFault) -> [UInt8] {
        guard let bytes = FileManager.default.contents(atPath: path) else {
            throw TLSFault("The \(what) '\(path)' cannot be read.")
        }
        guard bytes.count <= limitBytes else { throw TLSFault("The \(what) '\(path)' is larger than 1 MiB.") }
        return Array(bytes)
    }
}
