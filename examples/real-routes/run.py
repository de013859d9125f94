#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the main job on 4,714 operations of real HTTP APIs, and checks it to the last request.

Starts a control plane, a gateway and nginx as upstream; loads the bundle with one `turnpike apply`; sends one request for
each operation through the gateway; and compares the usage report with what was sent, route by route. Where landing can be
seen: the gateway counts each request under the route that took it, so the report, grouped by route, says where all of them
landed. Routes of the same host, method and template shape cannot be told apart by any request; of these only the sum is
compared.

Needs nginx and the built programs (TURNPIKE_BIN names their folder; default .build/release).
"""

import http.client
import json
import pathlib
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict

import bundle
from processes import Failure, Programs, until

CONNECTIONS = 4


def load(programs, control_plane, upstream_port):
    """One `turnpike apply --wait`. Returns the keys by tenant, and how long it all took."""
    path = programs.folder / "bundle.json"
    path.write_text(json.dumps(bundle.bundle(upstream_port)))
    start = time.monotonic()
    apply = subprocess.run(
        [programs.binaries / "turnpike", "apply", "-f", path, "--wait", "--timeout", "2m", "-o", "json"],
        env={"TURNPIKE_SERVER": control_plane.url, "TURNPIKE_TOKEN": control_plane.token},
        capture_output=True, text=True,
    )
    seconds = time.monotonic() - start
    if apply.returncode != 0:
        raise Failure(f"turnpike apply ended with status {apply.returncode}:\n{apply.stderr}")
    answer = json.loads(apply.stdout)
    keys = {change["tenant"]: change["key"] for change in answer["changes"] if change["kind"] == "apiKey"}
    return keys, answer, seconds


def send(operations, keys, port, faults):
    """Sends one request for each operation over one connection that is kept alive."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        for operation in operations:
            headers = {"Host": operation.host, "X-Api-Key": keys[operation.tenant]}
            body = b"{}" if operation.method in ("POST", "PUT", "PATCH") else None
            connection.request(operation.method, operation.path, body=body, headers=headers)
            answer = connection.getresponse()
            text = answer.read()
            if answer.status != 200:
                faults.append(f"{operation.method} {operation.host}{operation.path}: {answer.status} {text[:200]}")
            elif operation.method != "HEAD" and json.loads(text)["path"] != operation.path:
                faults.append(f"{operation.method} {operation.host}{operation.path}: the upstream saw {text[:200]}")
    except OSError as error:
        faults.append(f"A connection failed: {error}")
    finally:
        connection.close()


def send_all(operations, keys, port):
    faults = []
    threads = [
        threading.Thread(target=send, args=(operations[part::CONNECTIONS], keys, port, faults))
        for part in range(CONNECTIONS)
    ]
    start = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if faults:
        raise Failure(f"{len(faults)} requests went wrong, such as:\n  " + "\n  ".join(faults[:20]))
    return time.monotonic() - start


def usage(control_plane, operations):
    """Requests by (tenant, route), as the usage reports have them now."""
    counts = Counter()
    for tenant in sorted({operation.tenant for operation in operations}):
        target = f"/v1/tenants/{tenant}/usage?groupBy=route,statusClass&limit=1000"
        for row in control_plane.rows(target):
            if row["statusClass"] != "2xx":
                raise Failure(f"{tenant} has usage of status {row['statusClass']}: {row}")
            counts[tenant, row["route"]] += row["requests"]
    return counts


def compare(counts, operations):
    """Fails unless every route took exactly its operation's requests, or its share with routes of the same shape."""
    groups = defaultdict(list)
    for operation in operations:
        groups[operation.tenant, operation.shape].append(operation)
    faults = []
    for (tenant, shape), group in groups.items():
        landed = sum(counts.pop((tenant, operation.route), 0) for operation in group)
        if landed != len(group):
            faults.append(f"{' '.join(shape)}: {len(group)} sent, {landed} counted")
    faults += [f"{tenant} {route}: {count} counted and none sent" for (tenant, route), count in counts.items()]
    if faults:
        raise Failure(f"{len(faults)} routes deviate, such as:\n  " + "\n  ".join(faults[:20]))
    return sum(len(group) for group in groups.values() if len(group) > 1)


def run(folder):
    operations = bundle.operations()
    programs = Programs(folder)
    try:
        print("Starting nginx, a control plane and a gateway …")
        upstream_port = programs.upstream()
        plane_process, control_plane = programs.control_plane()
        gateway_process, gateway_port = programs.gateway(control_plane)
        empty, _ = gateway_process.memory()
        print(f"Loading {len(operations)} operations with one turnpike apply …")
        keys, answer, loading = load(programs, control_plane, upstream_port)
        loaded, _ = gateway_process.memory()
        print("Sending one request for each …")
        sending = send_all(operations, keys, gateway_port)
        until(
            "the usage of all requests has arrived",
            lambda: usage(control_plane, operations).total() >= len(operations),
        )
        served, peak = gateway_process.memory()
        plane, plane_peak = plane_process.memory()
        if gateway_process.stop() != 0:
            raise Failure("The gateway did not end cleanly.")
        # What the gateway has sent in its last breath is in the report now: nothing more may come, and nothing twice.
        alike = compare(usage(control_plane, operations), operations)
        report(operations, answer, alike, [
            ("turnpike apply, start to end", f"{loading:.2f} s"),
            ("until the gateway had applied it, after the write's answer", answer["waited"]),
            ("requests sent, one connection after another kept alive", f"{len(operations)} over {CONNECTIONS}"),
            ("all of them answered", f"{sending:.2f} s, {len(operations) / sending:.0f} requests/s"),
            ("gateway's memory before, loaded, after (peak)",
             f"{empty:.0f}, {loaded:.0f}, {served:.0f} ({peak:.0f}) MiB"),
            ("control plane's memory (peak)", f"{plane:.0f} ({plane_peak:.0f}) MiB"),
        ])
    finally:
        programs.stop_all()


def report(operations, answer, alike, measures):
    tenants = len({operation.tenant for operation in operations})
    hosts = len({operation.host for operation in operations})
    print(f"\n{len(operations)} operations of {hosts} hosts as {tenants} tenants: "
          f"{len(answer['changes'])} resources in revision {answer['revision']}")
    for what, value in measures:
        print(f"  {what:<62}{value}")
    print(f"Every request was answered 200 and counted under its own route; {alike} operations share host, method and "
          "shape with\nanother, and of these each group's sum is exact. The usage reports agree to the last request.")


def main():
    try:
        with tempfile.TemporaryDirectory(prefix="turnpike-real-routes-") as folder:
            run(pathlib.Path(folder))
    except Failure as failure:
        sys.exit(f"Failed: {failure}")


if __name__ == "__main__":
    main()
