"""Other ways to write a path: what a client tries that wants to get around a rule."""


def spellings(path):
    """`path`: decoded and plain, "/conf/x.txt", "/conf/" or "/occ". At least thirty, itself among them."""
    first, slash, rest = path[1:].partition("/")
    tail = slash + rest
    every = "".join(f"%{byte:02x}" for byte in first.encode())
    upper = "".join(f"%{byte:02X}" for byte in first.encode())
    return list(dict.fromkeys([
        path, f"/{path}", path.replace("/", "//"), path.replace("/", "///"), path.replace("/", "/./"), f"/{first}" + tail.replace("/", "//", 1),
        f"/{first}" + tail.replace("/", "/./", 1), f"/{first}" + tail.replace("/", "/.//./", 1), f"/{first}" + tail.replace("/", "/x/../", 1),
        f"/x/..{path}", f"/..{path}", f"/x/y/../..{path}", f"/%2e{path}", f"/x/%2e%2e{path}", f"/x/.%2e{path}", f"/x/%2E.{path}",
        f"/{every}{tail}", f"/{upper}{tail}", f"/%{ord(first[0]):02x}{first[1:]}{tail}", f"/{first}" + tail.replace("/", "%2f"),
        f"/{first}" + tail.replace("/", "%2F"), f"/{first}" + tail.replace("/", "/%2f", 1), f"/%2f{path[1:]}", f"/x%2f..%2f{path[1:]}",
        f"/x/..%2f{path[1:]}", f"{path}.", f"{path}%20", f"{path}/", f"{path}/x", f"{path}/x.css", f"{path}/.php", f"{path}%00", f"{path}%00.css",
        f"{path}?x", f"{path}%3fx", f"/{first};x{tail}", f"{path};x", f"/{first}" + tail.replace("/", "\\"), f"/{first}" + tail.replace("/", "%5c"),
        f"/{first.upper()}{tail}", f"/index.php/..{path}", f"/index.php/..%2f{path[1:]}", f"/index.php{path}", f"http://localhost{path}",
        f"http://localhost/{path}", f"{path}#x", f"{path}%0a", f"{path}%2e", f"/static/..{path}", f"/{first}%2520{tail}"]))
