"""The rooms of the program and their arrows, as a table, and the rules that hold the sources to it."""

# Room -> rooms whose headers it may include besides its own. No arrow runs back up; tests may include all.
_CORE = {"proxy/core", "proxy/text", "proxy/http", "fastcgi", "config"}
_LOOP = {"proxy/loop", "proxy/observe", "proxy/net", *_CORE}
_UPSTREAM = {"proxy/upstream", "proxy/fpm", *_LOOP}
_CLIENT = {"proxy/client", *_UPSTREAM} - {"proxy/fpm"}
_ADMIN = {"proxy/admin", "proxy/sockets", "proxy/json", *_CLIENT} - {"proxy/net", "fastcgi"}
ROOMS = {
    "fastcgi": set(),
    "config": set(),
    "config/import": {"config"},
    "proxy/text": set(),
    "proxy/http": {"proxy/text"},
    "proxy/core": _CORE,
    "proxy/posix": {"config"},
    "proxy/net": {"proxy/posix"},
    "proxy/sockets": {"proxy/text"},
    "proxy/json": set(),
    "proxy/observe": {"proxy/core", "config"},
    "proxy/loop": _LOOP - {"proxy/http", "fastcgi"},
    "proxy/fpm": {"proxy/text", "proxy/json", "proxy/posix", "fastcgi", "config"},
    "proxy/upstream": _UPSTREAM,
    "proxy/client": _CLIENT,
    "proxy/admin": _ADMIN,
    "proxy/worker": {"proxy/worker", "proxy/posix", *_ADMIN, *_UPSTREAM} - {"proxy/json"},
    "proxy/doctor": {"proxy/fpm", "proxy/json", "proxy/posix", "proxy/sockets", "proxy/core", "proxy/http", "config", "config/import"},
    "proxy/commands": {"proxy/worker", "proxy/http", "proxy/doctor", "proxy/json", "proxy/posix", "proxy/fpm", "proxy/sockets", "proxy/observe", "proxy/client", "proxy/core", "config", "config/import"},
    "proxy": {"proxy/commands", "proxy/core"},
}
ARROWS = {room: {room, *others} for room, others in ROOMS.items()}
# What a room shows to those who see only this of it.
ARROW_DOORS = {("proxy/net", "proxy/posix"): {"unix_address.h"},
               ("proxy/worker", "proxy/posix"): {"unix_address.h", "start_signals.h"},
               ("proxy/admin", "proxy/client"): {"responder.h", "client_host.h"},
               ("proxy/commands", "proxy/worker"): {"server.h"},
               # explain and doctor look at files as the server does.
               ("proxy/commands", "proxy/client"): {"site_files.h", "static_response.h", "system_probe.h"},
               ("proxy", "proxy/core"): {"version.h"}}
# proxy/net implements this interface of core.
ARROW_EXCEPTIONS = {("proxy/net", "proxy/core/spill.h")}


def rule_arrows(tree: list) -> list:
    problems = []
    for source in (s for s in tree if s.is_cpp and not s.is_test):
        if source.folder not in ARROWS:
            problems.append(f"{source.path}:1: folder {source.folder} has no arrows; name it in ARROWS")
            continue
        for line, quote, name in source.includes():
            folder = name.rpartition("/")[0]
            ours = folder in ARROWS or folder == "tests" or folder.startswith("tests/")
            if quote == "<" and not ours:
                continue
            if quote == "<" or not ours:
                problems.append(f"{source.path}:{line}: write our headers as \"folder/name.h\": {name}")
            elif folder not in ARROWS[source.folder] and (source.folder, name) not in ARROW_EXCEPTIONS:
                problems.append(f"{source.path}:{line}: {source.folder}/ may not include {name}")
            elif name.rpartition("/")[2] not in ARROW_DOORS.get((source.folder, folder), {name.rpartition("/")[2]}):
                problems.append(f"{source.path}:{line}: {source.folder}/ may not include {name}, which is no door")
    return problems


def rule_flat(tree: list) -> list:
    """Of the program only main.cpp lies outside of a room."""
    return [f"{s.path}:1: lies flat in proxy/; put it into a room" for s in tree
            if s.is_cpp and s.folder == "proxy" and s.path != "proxy/main.cpp"]


def rule_header_cycle(tree: list) -> list:
    """No header includes itself by way of others."""
    includes = {s.path: [name for _, _, name in s.includes()] for s in tree if s.is_header}
    done = set()

    def walk(path, trail):
        if path in trail:
            return [f"{path}:1: includes itself: {' -> '.join(trail[trail.index(path):] + [path])}"]
        if path in done or path not in includes:
            return []
        found = [problem for name in includes[path] for problem in walk(name, trail + [path])]
        done.add(path)
        return found

    return [problem for path in sorted(includes) for problem in walk(path, [])]
