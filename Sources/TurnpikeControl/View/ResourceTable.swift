// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel
import TurnpikeSnapshot

/// The resources of a view, found by key and by id, and API keys by digest, each held once: open addressing over resources,
/// which are no more than references, at most three quarters full. A dictionary by key and another by id would hold keys and
/// ids a second time, which of a million resources is half of all that they take.
struct ResourceTable: Sendable {
    private var byKey: [Resource?] = Array(repeating: nil, count: 16)
    private var byID: [Resource?] = Array(repeating: nil, count: 16)
    /// API keys alone: partners' secrets are many, and asked for seldom.
    private var byDigest: [Resource?] = Array(repeating: nil, count: 16)
    private var digestCount = 0
    private(set) var count = 0

    subscript(key: ResourceKey) -> Resource? {
        place(of: key).flatMap { byKey[$0] }
    }

    subscript(id: ResourceID) -> Resource? {
        place(of: id).flatMap { byID[$0] }
    }

    subscript(apiKey digest: KeyDigest) -> Resource? {
        place(of: digest).flatMap { byDigest[$0] }
    }

    /// Makes room for so many resources at once, in place of growing again and again.
    mutating func reserve(_ count: Int) {
        guard 4 * count > 3 * byKey.count else { return }
        let slots = 1 << (Int.bitWidth - (4 * count / 3).leadingZeroBitCount)
        grow(to: slots)
        growDigests(to: slots)
    }

    /// Puts a resource in, in the place of one with its key or its id.
    mutating func insert(_ resource: Resource) {
        remove(resource.key)
        if let other = self[resource.id] { remove(other.key) }
        load(resource)
    }

    /// Puts a resource in that shares neither key nor id with any that is there.
    mutating func load(_ resource: Resource) {
        if 4 * (count + 1) > 3 * byKey.count { grow(to: 2 * byKey.count) }
        Self.place(resource, by: resource.key.hashValue, in: &byKey)
        Self.place(resource, by: resource.id.hashValue, in: &byID)
        count += 1
        guard let digest = resource.apiKeyDigest else { return }
        if 4 * (digestCount + 1) > 3 * byDigest.count { growDigests(to: 2 * byDigest.count) }
        Self.place(resource, by: digest.hashValue, in: &byDigest)
        digestCount += 1
    }

    /// Puts a resource in the place of the one that has its key, id and digest.
    mutating func replace(with resource: Resource) {
        guard let place = place(of: resource.key), let idPlace = self.place(of: resource.id) else {
            return insert(resource)
        }
        if let digest = resource.apiKeyDigest, let digestPlace = self.place(of: digest, holding: resource.id) {
            byDigest[digestPlace] = resource
        }
        byKey[place] = resource
        byID[idPlace] = resource
    }

    @discardableResult
    mutating func remove(_ key: ResourceKey) -> Resource? {
        guard let place = place(of: key), let resource = byKey[place] else { return nil }
        if let digest = resource.apiKeyDigest, let place = self.place(of: digest, holding: resource.id) {
            Self.clear(place, in: &byDigest) { $0.apiKeyDigest?.hashValue ?? 0 }
            digestCount -= 1
        }
        Self.clear(place, in: &byKey) { $0.key.hashValue }
        if let place = self.place(of: resource.id) { Self.clear(place, in: &byID) { $0.id.hashValue } }
        count -= 1
        return resource
    }

    private func place(of key: ResourceKey) -> Int? {
        let mask = byKey.count - 1
        var place = key.hashValue & mask
        while let resource = byKey[place] {
            if resource.key == key { return place }
            place = (place + 1) & mask
        }
        return nil
    }

    private func place(of id: ResourceID) -> Int? {
        let mask = byID.count - 1
        var place = id.hashValue & mask
        while let resource = byID[place] {
            if resource.id == id { return place }
            place = (place + 1) & mask
        }
        return nil
    }

    private func place(of digest: KeyDigest, holding id: ResourceID? = nil) -> Int? {
        let mask = byDigest.count - 1
        var place = digest.hashValue & mask
        while let resource = byDigest[place] {
            if id.map({ $0 == resource.id }) ?? (resource.apiKeyDigest == digest) { return place }
            place = (place + 1) & mask
        }
        return nil
    }

    private static func place(_ resource: Resource, by hash: Int, in slots: inout [Resource?]) {
        var place = hash & (slots.count - 1)
        while slots[place] != nil { place = (place + 1) & (slots.count - 1) }
        slots[place] = resource
    }

    /// Empties a slot, and moves up what would no longer be found behind the gap (Knuth, TAOCP 3, 6.4, algorithm R).
    private static func clear(_ place: Int, in slots: inout [Resource?], _ hash: (Resource) -> Int) {
        let mask = slots.count - 1
        var gap = place
        slots[gap] = nil
        var next = (gap + 1) & mask
        while let resource = slots[next] {
            let home = hash(resource) & mask
            // Whether the resource's home lies cyclically in (gap, next]: then it is found where it is.
            let staysPut = gap <= next ? (gap < home && home <= next) : (gap < home || home <= next)
            if !staysPut {
                slots[gap] = resource
                slots[next] = nil
                gap = next
            }
            next = (next + 1) & mask
        }
    }

    private mutating func growDigests(to slots: Int) {
        let resources = byDigest.compactMap(\.self)
        byDigest = Array(repeating: nil, count: slots)
        for resource in resources {
            guard let digest = resource.apiKeyDigest else { continue }
            Self.place(resource, by: digest.hashValue, in: &byDigest)
        }
    }

    private mutating func grow(to slots: Int) {
        let resources = byKey.compactMap(\.self)
        byKey = Array(repeating: nil, count: slots)
        byID = Array(repeating: nil, count: slots)
        for resource in resources {
            Self.place(resource, by: resource.key.hashValue, in: &byKey)
            Self.place(resource, by: resource.id.hashValue, in: &byID)
        }
    }
}

extension Resource {
    /// The digest of a partner's secret.
    var apiKeyDigest: KeyDigest? {
        guard key.kind == .apiKey else { return nil }
        return (spec as? APIKey)?.digestWords.map { KeyDigest(words: $0) }
    }
}
