#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Turns real-routes.tsv, 4,714 operations of real HTTP APIs, into a bundle for `turnpike apply`.

One route an operation. The hosts are spread over several tenants; a host belongs to one tenant, and a tenant has one
service, one API key, and a quota and a rate limit that are there to be checked, not to be reached.

    bundle.py --upstream-port 9001 > bundle.json
"""

import argparse
import csv
import hashlib
import json
import pathlib
import re
import sys
import zlib
from collections import defaultdict
from dataclasses import dataclass

TSV = pathlib.Path(__file__).with_name("real-routes.tsv")
TENANTS = 8
NAME_LIMIT = 63


@dataclass(frozen=True)
class Operation:
    tenant: str
    host: str
    method: str
    template: str
    route: str

    @property
    def shape(self):
        """What a router can tell operations apart by: host, method, and the template without its parameters' names."""
        return self.host, self.method, re.sub(r"\{[^}+]*(\+?)\}", r"{\1}", self.template)

    @property
    def path(self):
        """A path that the template matches: `{id}` as one segment, `{key+}` as two."""
        return re.sub(r"\{([^}+]*)\+\}", r"a-\1/b-\1", self.template).replace("{", "a-").replace("}", "")


def route_name(host, operation, taken):
    """`host.operation`, cut to a name's length with a hash where it is longer or already taken."""
    name = f"{host}.{operation}"
    if len(name) > NAME_LIMIT or name in taken:
        digest = hashlib.sha256(f"{name}#{len(taken)}".encode()).hexdigest()[:8]
        name = f"{name[:NAME_LIMIT - 9]}-{digest}"
    taken.add(name)
    return name


def operations():
    """The operations in the order of the file, the hosts spread over the tenants by hash."""
    taken = defaultdict(set)
    result = []
    with TSV.open(newline="") as file:
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            tenant = f"cloud-{zlib.crc32(row['host'].encode()) % TENANTS + 1}"
            route = route_name(row["host"], row["operation"], taken[tenant])
            host = f"{row['host']}.api.test"
            result.append(Operation(tenant, host, row["method"], row["path"], route))
    return result


def tenant_resources(tenant, upstream_port):
    labels = {"set": "real-routes"}

    def resource(kind, name, spec):
        return {"kind": kind, "tenant": tenant, "name": name, "labels": labels, "spec": spec}

    endpoint = {"host": "127.0.0.1", "port": upstream_port}
    quota = {"limit": 1_000_000_000, "unit": "requests", "period": "month", "enforcement": "hard"}
    rate = {"kind": "rateLimit", "per": "key", "limit": 1_000_000, "interval": "1s"}
    return [
        {"kind": "tenant", "name": tenant, "labels": labels, "spec": {"displayName": f"Tenant {tenant}"}},
        resource("service", "upstream", {"endpoints": [endpoint]}),
        resource("apiKey", "client", {}),
        resource("quota", "monthly", quota),
        resource("policy", "burst", rate),
    ]


def route_resource(operation):
    return {
        "kind": "route",
        "tenant": operation.tenant,
        "name": operation.route,
        "labels": {"set": "real-routes"},
        "spec": {
            "match": {
                "hosts": [operation.host],
                "paths": [{"template": operation.template}],
                "methods": [operation.method],
            },
            "auth": {"anyOf": [{"apiKey": {}}]},
            "backends": [{"service": "upstream"}],
        },
    }


def bundle(upstream_port):
    all_operations = operations()
    resources = []
    for tenant in sorted({operation.tenant for operation in all_operations}):
        resources += tenant_resources(tenant, upstream_port)
    return {"resources": resources + [route_resource(operation) for operation in all_operations]}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--upstream-port", type=int, default=9001)
    arguments = parser.parse_args()
    json.dump(bundle(arguments.upstream_port), sys.stdout)


if __name__ == "__main__":
    main()
