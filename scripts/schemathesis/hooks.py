# SPDX-License-Identifier: Apache-2.0
"""What generated requests must not ask for, lest a run never end."""

import itertools

import schemathesis

# Of the reads that ask for a revision which is not there, one in so many does: it waits five seconds until it is told.
WAITING_ONCE_IN = 100
GREATEST_REVISION = 2**63 - 2

_waiting = itertools.count(1)


@schemathesis.hook
def before_call(context, case, **kwargs):
    query = case.query
    if not isinstance(query, dict):
        return
    # The log, followed live, has no end. What is no flag stays, and has to be refused.
    if str(query.get("watch")).lower() in ("true", "1"):
        query["watch"] = "false"
    try:
        least = int(query["minRevision"])
    except (KeyError, TypeError, ValueError):
        return
    if 1 < least <= GREATEST_REVISION and next(_waiting) % WAITING_ONCE_IN:
        query["minRevision"] = 1
