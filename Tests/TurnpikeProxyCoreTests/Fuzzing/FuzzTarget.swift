// SPDX-License-Identifier: Apache-2.0

import TurnpikeProxyCore

/// Something that takes bytes from outside, and what must hold whatever they are.
///
/// `make fuzz` gives each target to libFuzzer; ``FuzzTests`` gives it the corpus, and damaged copies of that. Nothing here
/// needs either, nor a test library: a property that does not hold is thrown as ``Broken``. Files of the corpus are just what
/// came over the wire. Where more has to be chosen, such as where bytes are cut into pieces, it follows from the bytes' own hash.
enum FuzzTarget: String, CaseIterable, Sendable {
    case request, response, chunks, path, condition, http2, connection, clientHello, hpack, http2server, http2client

    /// - Throws: ``Broken``, or whatever the code under test should not have thrown.
    func check(_ bytes: [UInt8]) throws {
        switch self {
        case .request: try Self.checkRequest(bytes)
        case .response: try Self.checkResponse(bytes)
        case .chunks: try Self.checkChunks(bytes)
        case .path: try Self.checkPath(bytes)
        case .condition: try Self.checkCondition(bytes)
        case .http2: try Self.checkHTTP2(bytes)
        case .connection: try Self.checkConnection(bytes)
        case .clientHello: try Self.checkClientHello(bytes)
        case .hpack: try Self.checkHPACK(bytes)
        case .http2server: try Self.checkHTTP2Server(bytes)
        case .http2client: try Self.checkHTTP2Client(bytes)
        }
    }
}

/// A property that some bytes break.
struct Broken: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

func require(_ holds: Bool, _ otherwise: @autoclosure () -> String) throws {
    if !holds { throw Broken(otherwise()) }
}

extension [UInt8] {
    /// FNV-1a: what chance there is in a run.
    var seed: UInt64 { reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 } }

    var chance: RandomSource { RandomSource(seed: seed) }

    /// Cut at random into pieces of up to 40 bytes, so that most inputs have several.
    func pieces(_ random: inout RandomSource) -> [[UInt8]] {
        var pieces: [[UInt8]] = []
        var offset = 0
        while offset < count {
            let end = Swift.min(offset + Int.random(in: 1...40, using: &random), count)
            pieces.append(Array(self[offset..<end]))
            offset = end
        }
        return pieces
    }

    /// The parts of an input that stands for several, between lines of `====`.
    var parts: [[UInt8]] {
        let line = Array("\n====\n".utf8)
        var parts: [[UInt8]] = [[]]
        var offset = 0
        while offset < count {
            if self[offset...].starts(with: line) {
                parts.append([])
                offset += line.count
            } else {
                parts[parts.count - 1].append(self[offset])
                offset += 1
            }
        }
        return parts
    }

    subscript(range: ByteRange) -> [UInt8] { Array(self[range.lowerBound..<range.upperBound]) }

    var text: String { String(decoding: self, as: UTF8.self) }
}
