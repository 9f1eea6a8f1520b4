"""Keys of the services view."""

from __future__ import annotations

from tracetui.tui.keys.key_table import ABOVE, KeyTable, Shortcut, Use

SERVICES = KeyTable(
    "Services",
    Shortcut(
        "services.blast",
        "b",
        "blast",
        "Blast radius",
        "blast radius: who is affected if it is slow; again: if it fails; a third time: off",
        "blast radius",
        words="impact affected dependents",
    ),
    Shortcut(
        "services.path",
        "p",
        "query('path')",
        "Path to another service",
        "paths to another service",
        "path",
        words="route dependency",
    ),
    Shortcut(
        "services.shared",
        "s",
        "query('shared')",
        "Dependencies shared with other services",
        "dependencies shared with another service; a second time adds one more",
        words="dependency",
    ),
    Shortcut(
        "services.difference",
        "D",
        "query('difference')",
        "Compare callers",
        "compare its callers with those of another service",
    ),
    Shortcut(
        "services.mode",
        "v",
        "mode",
        "Whole ranking, or graph",
        "the whole ranking, or the graph of the selected service with a part of it",
        "graph",
        words="table list full",
    ),
    Shortcut(
        "services.map",
        "m",
        "map",
        "Map of the whole system",
        "map of the whole system; {map.left map.down map.up map.right} move, "
        "{map.zoom-in map.zoom-out} zoom, {map.explore} explores",
        "map",
        words="graph topology diagram",
    ),
    Shortcut(
        "services.compare-sets",
        "B",
        "compare_sets",
        "Map of changes",
        "changes of calls, errors, p95 and network on the map and the graph: since a time, a new version or an earlier "
        "set; {app.back} turns them off",
        words="regression deploy release compare before after",
    ),
    Use("list.open", "list the traces of the service or call under the cursor", "traces"),
    Shortcut(
        "services.errors", "e", "errors", "Errors of the service", "errors of its traces, in the errors view", "errors"
    ),
    Shortcut(
        "services.operation",
        "I",
        "operation",
        "Operation of the service",
        "only one of its operations; {app.back} returns to the service",
        former="i",
    ),
    Shortcut(
        "services.callers",
        "h,left",
        "side('left')",
        "To the callers",
        "go to a caller, a callee in the graph, or in the lists if there is no graph; {app.next-pane} goes on to the "
        "lists",
        "walk",
    ),
    Shortcut("services.callees", "l,right", "side('right')", "To the callees", ABOVE, "callees"),
    Shortcut(
        "services.focus", "R", "focus_on", "Focus this service", "focus the service under the cursor", "explore", "f"
    ),
    Shortcut(
        "services.more-hops",
        "plus",
        "hops(1)",
        "One hop more",
        "one hop more, one hop less",
        "more hops",
        former="equals_sign",
    ),
    Shortcut("services.fewer-hops", "minus", "hops(-1)", "One hop less", ABOVE),
    Shortcut(
        "services.find",
        "slash",
        "find",
        "Find by name",
        "filter services by name or operation; {services.search} searches attributes too; {app.back} clears",
    ),
    Shortcut(
        "services.sort",
        "o",
        "sort",
        "Sort by the next column",
        "sort by the next column, or a figure of the detail; reverse",
        "sort",
    ),
    Shortcut("services.reverse", "O", "reverse", "Reverse the order", ABOVE),
    Shortcut(
        "services.opinion",
        "S",
        "server_stats",
        "Server statistics",
        "server statistics: dependency graph, and metrics of the service",
        words="metrics",
    ),
    Use("findings.copy", "copy the name of the service, or the graph as a picture (SVG) or text"),
    Use("app.back", "back to the service and its neighbours", "neighbours"),
    glyphs=(
        ("▁ … █", "severity, in a blast radius"),
        ("→ 2→", "called directly; over two calls, and so on"),
        ("⚠", "single point of failure: without it, some entry point loses a dependency"),
        ("(inferred) ?", "sends no spans (such as a database): inferred and timed from its callers"),
    ),
    words=(
        ("traces", "share of all traces that pass through the service"),
        ("callers", "3+12: three direct and twelve indirect callers"),
        ("reached from", "number of entry points that depend on it"),
        ("betweenness", "share of the shortest paths between others that pass through it"),
        ("exposed", "share of the service's traces that call the focus, directly or indirectly"),
        (
            "critical, fail",
            "share of its critical path inside the focus, and of its requests that errors there or below failed",
        ),
    ),
)

GRAPH = KeyTable(
    "Graph of a service",
    Shortcut("graph.left", "h,left", "move(-1, 0)", "Left", "move along calls to the left or right, up, down", "walk"),
    Shortcut("graph.down", "j,down", "move(0, 1)", "Down", ABOVE),
    Shortcut("graph.up", "k,up", "move(0, -1)", "Up", ABOVE),
    Shortcut("graph.right", "l,right", "move(1, 0)", "Right", ABOVE),
    Shortcut(
        "graph.choose",
        "enter",
        "choose",
        "Focus this service",
        "focus the service under the cursor; list the traces of the one in focus",
        "explore",
    ),
    Use("app.back", "back to the service that was in focus before, then to the ranking", "back"),
    in_palette=False,
)

SERVICE_SEARCH = KeyTable(
    "Search of services",
    Shortcut("services.search", "enter", "submit", "Search attributes too"),
    in_palette=False,
)

MAP = KeyTable(
    "Map",
    Shortcut("map.left", "h,left", "move(-1, 0)", "Left", "move", "move"),
    Shortcut("map.down", "j,down", "move(0, 1)", "Down", ABOVE),
    Shortcut("map.up", "k,up", "move(0, -1)", "Up", ABOVE),
    Shortcut("map.right", "l,right", "move(1, 0)", "Right", ABOVE),
    Shortcut("map.page-down", "ctrl+d,pagedown", "move(0, 10)", "Further down", "further down, up"),
    Shortcut("map.page-up", "ctrl+u,pageup", "move(0, -10)", "Further up", ABOVE),
    Shortcut(
        "map.zoom-in", "z", "zoom(1)", "More detail", "more detail, less detail", "zoom", former="plus,equals_sign"
    ),
    Shortcut("map.zoom-out", "Z", "zoom(-1)", "Less detail", ABOVE, former="minus"),
    Shortcut("map.find", "slash", "find", "Find", "find a service by a part of its name", "find"),
    Shortcut("map.next", "n", "next(1)", "Next match", "next, previous match"),
    Shortcut("map.previous", "N", "next(-1)", "Previous match", ABOVE),
    Shortcut(
        "map.explore", "enter", "take", "Explore", "explore the service, or open the group", "explore", former="f"
    ),
    Shortcut("map.copy", "y", "copy", "Copy", "copy the name of the service, or the map as a picture (SVG) or text"),
    Shortcut("map.leave", "escape,m", "back", "Back", "close the group, or the map", "back"),
    Shortcut("map.keys", "question_mark", "keys", "Help: keys", "keys of the map", "keys"),
    glyphs=(
        ("thick line", "many calls: a quarter or more of the largest number between two services"),
        ("dotted line", "asynchronous calls"),
        ("┼", "lines that cross"),
        ("■", "lines that join: each service on the left calls each one on the right"),
        ("✖", "some of the calls fail"),
        ("↻", "service on a cycle of calls"),
        ("▸ +9", "group of services that call each other more than others, named by the most called one, and 9 more"),
        (
            "▲ ▼ new gone",
            "after {services.compare-sets}: figures that became worse or better beyond chance; calls in one set only",
        ),
        ("< >", "the map goes on at that side"),
    ),
    words=(
        ("click", "choose a service; a second click explores it, or opens the group"),
        ("drag, wheel", "move the map; with Shift, the wheel moves it sideways"),
    ),
    in_palette=False,
)

MAP_SEARCH = KeyTable(
    "Search of the map",
    Shortcut("map.search", "enter", "submit", "To the match", hint="to the match"),
    in_palette=False,
)
