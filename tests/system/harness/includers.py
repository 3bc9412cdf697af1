"""Who includes what, over any number of steps: which .cpp files are built again when a header changes."""

import posixpath


def includers(tree: list) -> dict:
    """Header's path -> set of the .cpp files that see it. Names are resolved as the build does: from the top, or from the
    including file's folder."""
    by_path = {source.path: source for source in tree if source.is_cpp}

    def direct(source):
        for _, quote, name in source.includes():
            beside = posixpath.normpath(posixpath.join(source.folder, name))
            if quote == '"' and (name in by_path or beside in by_path):
                yield name if name in by_path else beside

    reached = {path: set(direct(source)) for path, source in by_path.items()}
    found = {path: set() for path in by_path if path.endswith(".h")}
    for path in (p for p in by_path if p.endswith(".cpp")):
        seen, todo = set(), [path]
        while todo:
            for header in reached[todo.pop()] - seen:
                seen.add(header)
                todo.append(header)
        for header in seen:
            found[header].add(path)
    return found
