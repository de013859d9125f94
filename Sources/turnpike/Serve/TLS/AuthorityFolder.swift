// SPDX-License-Identifier: Apache-2.0

import Foundation
import TurnpikeAPI
import TurnpikeIdentity
import TurnpikeModel

/// The folder of the control plane's own CA, readable by its owner only. Whoever loses it has to let all workers join anew.
struct AuthorityFolder {
    let path: String

    init(dataFolder: String) { path = dataFolder + "/ca" }

    /// The root's certificate, for those who are to trust it.
    var certificateFile: String { path + "/certificate.pem" }
    private var keyFile: String { path + "/key.pem" }

    /// The CA that is there, or a new one where there is none.
    ///
    /// - Throws: where only one of its files is there, or they are damaged: a new CA would lock all workers out.
    func authority(now: Timestamp) throws(TLSFault) -> CertificateAuthority {
        let files = FileManager.default
        do throws(CertificateFault) {
            switch (files.contents(atPath: certificateFile), files.contents(atPath: keyFile)) {
            case (let certificate?, let key?):
                return try CertificateAuthority(
                    certificatePEM: String(decoding: certificate, as: UTF8.self),
                    privateKeyPEM: String(decoding: key, as: UTF8.self))
            case (nil, nil):
                let authority = try CertificateAuthority(now: now)
                // The key first: a certificate without a key is a fault that is told, a key without one nobody uses.
                try write(try authority.privateKeyPEM(), to: keyFile, mode: 0o600)
                try write(authority.certificatePEM, to: certificateFile, mode: 0o644)
                return authority
            case (_?, nil): throw CertificateFault("'\(keyFile)' is missing or cannot be read.")
            case (nil, _?): throw CertificateFault("'\(certificateFile)' is missing or cannot be read.")
            }
        } catch { throw TLSFault("The CA in '\(path)' cannot be used. \(error.description)") }
    }

    /// Writes a file as a whole: after a crash it is there, or it is not.
    private func write(_ text: String, to file: String, mode: Int) throws(CertificateFault) {
        let files = FileManager.default
        do {
            try files.createDirectory(
                atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
            let draft = file + ".new"
            guard files.createFile(atPath: draft, contents: nil, attributes: [.posixPermissions: mode]) else {
                throw CocoaError(.fileWriteUnknown)
            }
            let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: draft))
            try handle.write(contentsOf: Data(text.utf8))
            try handle.synchronize()
            try handle.close()
            try? files.removeItem(atPath: file)
            try files.moveItem(atPath: draft, toPath: file)
        } catch { throw CertificateFault("'\(file)' cannot be written.", cause: error) }
    }
}
