# SPDX-License-Identifier: Apache-2.0
"""What generated requests must not ask for, lest a run never end; and what may be refused though the contract allows it."""

import itertools
import os
import re
import time

import schemathesis
from schemathesis.core.failures import Failure

# Of the reads that ask for a revision which is not there, one in so many does: it waits five seconds until it is told.
WAITING_ONCE_IN = 100
GREATEST_REVISION = 2**63 - 2

TIMEOUT = "([0-9]{1,4}ms|[1-5]?[0-9]s|60s|1m)"

_paced = set()
_waiting = itertools.count(1)


def pace(case):
    """Each operation is tried with a credential that is not valid; of these an address may send 20 at once and one a second."""
    phase = case.meta.phase.name if case.meta else None
    if (case.operation.label, phase) not in _paced:
        _paced.add((case.operation.label, phase))
        time.sleep(1)


def keep_asking_operator(case):
    """Once there is another owner, the one who asks can be deleted, demoted or bound, or its creation taken back."""
    parameters = case.path_parameters or {}
    if case.method.upper() not in ("PUT", "PATCH", "DELETE", "POST"):
        return
    if case.path == "/v1/operators/{name}" and parameters.get("name") in ("bootstrap", os.environ["OPERATOR_ID"]):
        parameters["name"] = "nobody"
    if case.path == "/v1/revisions/{revision}/revert" and str(parameters.get("revision")) == "1":
        parameters["revision"] = 2


@schemathesis.hook
def before_call(context, case, **kwargs):
    pace(case)
    keep_asking_operator(case)
    query = case.query
    if not isinstance(query, dict):
        return
    # The log, followed live, has no end. What is no flag stays, and has to be refused.
    if str(query.get("watch")).lower() in ("true", "1"):
        query["watch"] = "false"
    # Workers that joined and say no more are waited for.
    if query.get("wait") == "applied" and re.fullmatch(TIMEOUT, str(query.get("timeout", "5s"))):
        query["timeout"] = "10ms"
    try:
        least = int(query["minRevision"])
    except (KeyError, TypeError, ValueError):
        return
    if 1 < least <= GREATEST_REVISION and next(_waiting) % WAITING_ONCE_IN:
        query["minRevision"] = 1


# Rules that no schema can say: of the state of the server, of several fields or items together, of texts in a language (paths,
# expressions, keys in PEM), of durations, which are texts. By rule, or by what is told.
BEYOND_SCHEMAS = {"reference", "immutable", "conflict", "unique", "format"}
BEYOND_SCHEMAS_DETAILS = re.compile(
    "must be from [0-9]+(ms|s|m|h|d) to"
    "|go(es)? with|One of|is required for|must not be (shorter|longer|less|more)"
    # A schema takes 1.0 for an integer.
    "|must be an integer, not a number"
    "|There is no revision"
    # Which there are depends on the machine.
    "|is not a time zone that this server knows"
)

# What the contract says in words of parameters: of two together, of times, of the names in paths.
PARAMETERS = re.compile(
    "A dry run makes no revision|A gateway refuses such a request"
    "|'key' has no place here|stands alone|RFC 3339|The name must be|'key' is required"
)


# The spec of a bundle's resource follows from its kind, and so does whether it has a tenant.
BY_KIND = re.compile("^/(resources|deletes)/[0-9]+/(spec|tenant)")


def is_schematic(fault):
    if BY_KIND.search(fault.get("pointer", "")):
        return False
    return fault.get("rule") not in BEYOND_SCHEMAS and not BEYOND_SCHEMAS_DETAILS.search(fault.get("detail", ""))


@schemathesis.check
def refused_by_no_schema(ctx, response, case):
    """What the contract allows is refused only for what no schema can say."""
    if case.meta is None or not case.meta.generation.mode.is_positive or response.status_code not in (400, 422):
        return
    problem = response.json()
    kind = problem.get("type", "").rsplit("/", 1)[-1]
    # What a merge patch makes of a resource is seen only once it is made.
    if case.method.upper() == "PATCH" and kind == "invalid-resource":
        return
    if kind in ("invalid-cursor", "invalid-yaml", "idempotency-key-reused") or PARAMETERS.search(problem.get("detail", "")):
        return
    wrong = [fault for fault in problem.get("errors", []) if is_schematic(fault)]
    if kind == "invalid-resource" and not wrong:
        return
    raise Failure(
        operation=case.operation.label,
        title="Refused though the contract allows it",
        message="; ".join(f"{f.get('pointer')} {f.get('rule')}: {f.get('detail')}" for f in wrong)
        or f"{kind}: {problem.get('detail')}",
    )
