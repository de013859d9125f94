// SPDX-License-Identifier: Apache-2.0

/// Why a block cannot be decoded: the connection is of no use after it (RFC 9113 §4.3, COMPRESSION_ERROR).
enum HPACKFault: Error {
    /// The block ends within a field.
    case truncated
    /// An integer of more than five further bytes (RFC 7541 §5.1).
    case integerTooLong
    /// Index 0, or one that neither table reaches (§2.3.3, §6.1).
    case unknownIndex
    /// A string whose padding is longer than seven bits or not all ones, or that holds EOS (§5.2).
    case invalidHuffman
    /// A table size that is not at the beginning of its block, or the third there (§4.2).
    case misplacedTableSize
    /// A table size above what was announced (§6.3).
    case tableSizeTooLarge
}
