"""Contract of a kind of server: its usual addresses, and its detection.

To add one, write a module with its `BackEnd` and its `KIND`, and list it in `servers.registry`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tracetui.ingest.servers.back_end import BackEnd
from tracetui.ingest.servers.probe import Probe


@dataclass(frozen=True, slots=True, eq=False)
class ServerKind:
    """Kind of server.

    name: name in the config file.
    title: name for users.
    port: usual port.
    detect: returns the back end if the probed server is of this kind, else None. Raises BackEndError for one that
        cannot be reached.
    base_paths: for users, servers with this API below a base path, such as "VictoriaTraces /select/jaeger".
    """

    name: str
    title: str
    port: int
    detect: Callable[[Probe], BackEnd | None]
    base_paths: str = ""
