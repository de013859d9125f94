# SPDX-License-Identifier: Apache-2.0
"""nginx with the policy in Lua: see nginx_policy.lua."""

import json
import pathlib
import urllib.request

import nginx
from processes import free_port
from subject import Place, Subject, output


class NginxLua(Subject):
    name = "nginx-lua"
    label = "nginx + Lua"
    does = "key check in a Lua table, limit per key and second and counts per key and status in shared dictionaries"

    def version(self) -> str:
        module = output("dpkg-query", "-W", "-f", "${Version}", "libnginx-mod-http-lua")
        return f"{nginx.version()}, libnginx-mod-http-lua {module}"

    def start(self, place: Place) -> dict[str, int]:
        port, tls_port, self._counts_port = free_port(), free_port(), free_port()
        keys = place.write("keys", "\n".join(self.keys) + "\n")
        modules = "".join(
            f"load_module {nginx.MODULES}/{module}.so;\n" for module in ("ndk_http_module", "ngx_http_lua_module")
        )
        http = f"""
    lua_package_path "{pathlib.Path(__file__).parent}/?.lua;;";
    lua_shared_dict limits 16m;
    lua_shared_dict counts 16m;
    init_by_lua_block {{ require("nginx_policy").load("{keys}", {place.requests_per_second}) }}
    server {{
        listen 127.0.0.1:{self._counts_port};
        location / {{
            content_by_lua_block {{ require("nginx_policy").report() }}
        }}
    }}
"""
        policy = """
            access_by_lua_block { require("nginx_policy").admit() }
            log_by_lua_block { require("nginx_policy").count() }
"""
        nginx.run(place, self.name, http + nginx.proxy(place, port, tls_port, policy), main=modules, port=port)
        return {"h1": port, "tls": tls_port, "h2": tls_port}

    def counts(self) -> dict[str, int]:
        with urllib.request.urlopen(f"http://127.0.0.1:{self._counts_port}/") as answer:
            return json.load(answer)
