# SPDX-License-Identifier: Apache-2.0
"""Envoy with its filters for API keys and for local rate limits."""

import json
import urllib.request
from typing import Any

from processes import ROOT, free_port
from subject import HOST, KEYS, Place, Subject, output

PROGRAM = ROOT / ".build" / "compare" / "bin" / "envoy"
TYPES = "type.googleapis.com/envoy.extensions"
JSON = dict[str, Any]


class Envoy(Subject):
    name = "envoy"
    label = "Envoy"
    does = "api_key_auth, local_ratelimit with a bucket per key, its usual statistics"

    def version(self) -> str:
        # PATH  version: HASH/1.40.0/Clean/RELEASE/BoringSSL
        return "Envoy " + output(PROGRAM, "--version").rpartition("version:")[2].split("/")[1]

    def start(self, place: Place) -> dict[str, int]:
        port, tls_port, self._admin_port = free_port(), free_port(), free_port()
        configuration = {
            "admin": {"address": address(self._admin_port)},
            "static_resources": {
                "listeners": [
                    {"name": "plain", "address": address(port), "filter_chains": [self._chain(place)]},
                    {"name": "tls", "address": address(tls_port), "filter_chains": [self._chain(place) | tls(place)]},
                ],
                "clusters": [cluster(place.upstream_port)],
            },
        }
        path = place.write("envoy.json", json.dumps(configuration))
        place.run(
            self.name, PROGRAM, "-c", path, "--concurrency", 1, "--disable-hot-restart", "--log-level", "error", port=port,
        )
        return {"h1": port, "tls": tls_port, "h2": tls_port}

    def counts(self) -> dict[str, int]:
        url = f"http://127.0.0.1:{self._admin_port}/stats?format=json"
        with urllib.request.urlopen(url) as answer:
            stats = {stat["name"]: stat["value"] for stat in json.load(answer)["stats"] if "name" in stat}
        return {
            "api_key_auth": stats["http.gateway.api_key_auth.allowed"],
            "local_ratelimit": stats["limits.http_local_rate_limit.ok"],
        }

    def _chain(self, place: Place) -> JSON:
        manager = {
            "@type": f"{TYPES}.filters.network.http_connection_manager.v3.HttpConnectionManager",
            "stat_prefix": "gateway",
            "http_filters": [
                {"name": "keys", "typed_config": self._key_filter()},
                {"name": "limits", "typed_config": limit_filter(place.requests_per_second)},
                {"name": "router", "typed_config": {"@type": f"{TYPES}.filters.http.router.v3.Router"}},
            ],
            "route_config": {"virtual_hosts": [{
                "name": "api",
                "domains": [HOST],
                "routes": [{"match": {"prefix": "/v1/"}, "route": {"cluster": "upstream"}}],
            }]},
        }
        return {"filters": [{"name": "http", "typed_config": manager}]}

    def _key_filter(self) -> JSON:
        return {
            "@type": f"{TYPES}.filters.http.api_key_auth.v3.ApiKeyAuth",
            "credentials": [{"key": key, "client": f"client-{number}"} for number, key in enumerate(self.keys)],
            "key_sources": [{"header": "x-api-key"}],
        }


def address(port: int) -> JSON:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def limit_filter(requests_per_second: int) -> JSON:
    bucket = {"max_tokens": requests_per_second, "tokens_per_fill": requests_per_second, "fill_interval": "1s"}
    always = {"default_value": {"numerator": 100, "denominator": "HUNDRED"}}
    return {
        "@type": f"{TYPES}.filters.http.local_ratelimit.v3.LocalRateLimit",
        "stat_prefix": "limits",
        "token_bucket": bucket,
        "always_consume_default_token_bucket": False,
        "filter_enabled": always,
        "filter_enforced": always,
        # An entry without a value stands for one bucket for each value that comes.
        "descriptors": [{"entries": [{"key": "key"}], "token_bucket": bucket}],
        "max_dynamic_descriptors": KEYS,
        "rate_limits": [{"actions": [{"request_headers": {"header_name": "x-api-key", "descriptor_key": "key"}}]}],
    }


def tls(place: Place) -> JSON:
    certificate = {"filename": str(place.certificate)}
    context = {
        "@type": f"{TYPES}.transport_sockets.tls.v3.DownstreamTlsContext",
        "common_tls_context": {
            "tls_certificates": [{"certificate_chain": certificate, "private_key": certificate}],
            "alpn_protocols": ["h2", "http/1.1"],
        },
    }
    return {"transport_socket": {"name": "tls", "typed_config": context}}


def cluster(port: int) -> JSON:
    endpoint = {"endpoint": {"address": address(port)}}
    return {
        "name": "upstream",
        "type": "STATIC",
        "load_assignment": {"cluster_name": "upstream", "endpoints": [{"lb_endpoints": [endpoint]}]},
    }
