"""The rules of the house, run instead of read: include arrows, sizes, banned constructs, the top level.

One function a rule; each takes a tree and returns its findings as "path:line: what". The first test holds the project
to them; the others hold the rules to examples, so that a rule that finds nothing any more is noticed. Measures are
textual: they work on code that clang-format has laid out.
"""

import ast
import re
import statistics
import subprocess
from pathlib import Path

import pytest

from harness.includers import includers
from harness.rooms import ARROWS, ROOMS, rule_arrows, rule_flat, rule_header_cycle

PROJECT = Path(__file__).resolve().parents[2]
FILE_LINES_MAX = 450
MEDIAN_LINES_MAX = 120  # of the program's files
FUNCTION_LINES_MAX = 60
TEST_FUNCTION_LINES_MAX = 70
TEST_CASE_LINES_MAX = 100
TOP_LEVEL = {"CMakeLists.txt", "LICENSE", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "proxy", "fastcgi", "config", "tests", "docker", "README.md", "dev", "CMakePresets.json"}

PURE_FOLDERS = ("fastcgi", "config/import", "proxy/text", "proxy/json", "proxy/http", "proxy/core")
# What reaches outside: sockets, files, threads.
# <arpa/inet.h> is not among them: inet_pton() and inet_ntop() only turn text into bytes and back.
IMPURE_HEADER = re.compile(r"^(sys/|netinet/|unistd\.h$|fcntl\.h$|poll\.h$|fstream$|iostream$|filesystem$|"
                           r"thread$|mutex$|condition_variable$|atomic$|future$)")


class Source:
    """One text file: its lines, and for C++ the code with comments and literals blanked, line for line."""

    def __init__(self, root: Path, path: Path):
        self.path = path.relative_to(root).as_posix()
        self.folder = path.parent.relative_to(root).as_posix()
        self.text = path.read_text(encoding="utf-8", errors="replace")
        self.lines = self.text.splitlines()
        self.is_cpp = path.suffix in (".cpp", ".h")
        self.is_header = path.suffix == ".h"
        self.is_python = path.suffix == ".py"
        self.is_test = self.path.startswith("tests/")
        self.code = blank_cpp(self.text) if self.is_cpp else self.text

    def includes(self):
        """(line number, quote, name) of each #include."""
        for number, line in enumerate(self.lines, 1):
            if found := re.match(r'\s*#\s*include\s*(["<])([^">]+)[">]', line):
                yield number, found[1], found[2]

    def find(self, pattern: str):
        """Line numbers and matched text of `pattern` in the code."""
        for found in re.finditer(pattern, self.code):
            yield self.code.count("\n", 0, found.start()) + 1, found[0]

CPP_TOKEN = re.compile(
    r"""//(?:[^\n\\]|\\.)*|/\*.*?\*/|R"(?P<mark>[^(\s]{0,16})\(.*?\)(?P=mark)"|"(?:\\.|[^"\\\n])*"|"""
    r"""(?<![0-9A-Fa-f])'(?:\\.|[^'\\\n])+'|^[ \t]*\#(?:[^\n\\]|\\.)*""",
    re.DOTALL | re.MULTILINE,
)


def blank_cpp(text: str) -> str:
    """Comments, literals and preprocessor lines become spaces; newlines stay. Digit separators (1'000) are kept."""
    return CPP_TOKEN.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), text)


def sources(root: Path) -> list:
    found = []
    for top in ("fastcgi", "config", "proxy", "tests", "docker"):
        for path in sorted((root / top).rglob("*")):
            hidden = {"out", "build", "__pycache__"} & set(path.relative_to(root).parts)
            if path.suffix in (".cpp", ".h", ".py", ".sh", ".php", ".css") and path.is_file() and not hidden:
                found.append(Source(root, path))
    return found


def rule_third_party(tree: list) -> list:
    """libuv in proxy/net only; the other libraries each in one file, of its folder. CLI11 and nlohmann-json cost seconds
    in each file that includes them: they stay out of the tests too."""
    problems = []
    homes = {"llhttp": "proxy/http", "yaml-cpp": "config", "nlohmann": "proxy/json", "CLI": "proxy/commands"}
    users = {library: set() for library in homes}
    for source in (s for s in tree if s.is_cpp):
        for line, _, name in source.includes():
            if name == "uv.h" and source.folder != "proxy/net" and not source.is_test:
                problems.append(f"{source.path}:{line}: <uv.h> belongs to proxy/net")
            library = {"llhttp.h": "llhttp"}.get(name, name.split("/")[0])
            if library in users and not (source.is_test and library in ("llhttp", "yaml-cpp")):
                users[library].add(source.path)
                if source.folder != homes[library]:
                    problems.append(f"{source.path}:{line}: {library} belongs to {homes[library]}")
    for library, paths in users.items():
        if len(paths) > 1:
            problems.append(f"{min(paths)}:1: {library} belongs in one file, not in {', '.join(sorted(paths))}")
    return problems


def rule_sans_io(tree: list) -> list:
    """The pure folders reach no socket, file, thread or clock: time is an argument."""
    problems = []
    for source in (s for s in tree if s.is_cpp and s.folder in PURE_FOLDERS):
        for line, _, name in source.includes():
            if IMPURE_HEADER.match(name):
                problems.append(f"{source.path}:{line}: <{name}> in {source.folder}, which does no I/O")
        for line, text in source.find(r"_clock::now\b"):
            problems.append(f"{source.path}:{line}: {text} in {source.folder}, where time is an argument")
    return problems

# -------------------------------------------------------------------------------------------------- size, shape


def rule_file_size(tree: list) -> list:
    return [f"{s.path}:{len(s.lines)}: {len(s.lines)} lines; the limit is under {FILE_LINES_MAX}"
            for s in tree if len(s.lines) >= FILE_LINES_MAX]


def rule_median_size(tree: list) -> list:
    sizes = [len(s.lines) for s in tree if s.is_cpp and not s.is_test]
    if not sizes or statistics.median(sizes) <= MEDIAN_LINES_MAX:
        return []
    return [f"proxy:1: the median of the program's files is {statistics.median(sizes)} lines; at most {MEDIAN_LINES_MAX}"]


def rule_function_size(tree: list) -> list:
    problems = []
    for source in tree:
        functions = cpp_functions(source.code) if source.is_cpp else python_functions(source)
        for first, last, name in functions:
            # A test sets its scene line by line; a TEST_CASE is often a table of cases with a loop below it.
            limit = FUNCTION_LINES_MAX
            if source.is_test:
                limit = TEST_CASE_LINES_MAX if name == "TEST_CASE" else TEST_FUNCTION_LINES_MAX
            if last - first + 1 >= limit:
                problems.append(f"{source.path}:{first}: {name}: {last - first + 1} lines; "
                                f"the limit is under {limit}")
    return problems


def cpp_functions(code: str):
    """(first line, last line, name) of each function: a brace after parentheses, outside of any other function."""
    stack = []  # (kind, first line, name)
    head_start = 0
    for found in re.finditer(r"[{};]", code):
        line = code.count("\n", 0, found.start()) + 1
        if found[0] == "{":
            head = code[head_start:found.start()]
            inside = any(kind == "function" for kind, _, _ in stack)
            if not inside and "(" in head and not re.match(r"\s*(namespace|enum|extern)\b", head):
                first = line - head.lstrip().count("\n")
                name = re.search(r"([\w:~]+|operator\W+)\s*\(", head)
                stack.append(("function", first, name[1] if name else "?"))
            else:
                stack.append(("other", line, ""))
        elif found[0] == "}" and stack:
            kind, first, name = stack.pop()
            if kind == "function":
                yield first, line, name
        head_start = found.end()


def python_functions(source: Source):
    if source.is_python:
        for node in ast.walk(ast.parse(source.text)):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                yield node.lineno, node.end_lineno, node.name


def rule_header_guard(tree: list) -> list:
    return [f"{s.path}:1: no #pragma once" for s in tree if s.is_header and "#pragma once" not in s.lines]


def rule_opening_comment(tree: list) -> list:
    """Each source says first what it is."""
    starts = {".cpp": ("//",), ".h": ("//",), ".py": ('"""', "#"), ".sh": ("#",), ".php": ("//", "/*"), ".css": ("/*",)}
    problems = []
    for source in tree:
        if source.is_test and source.path.endswith(".css"):
            continue  # what a test serves
        text = re.sub(r"\A(#!.*\n|<\?php\s+|declare\(.*\);\s*)*", "", source.text)
        if not text.startswith(starts[Path(source.path).suffix]):
            problems.append(f"{source.path}:1: does not open with a comment that says what it is")
    return problems

# ------------------------------------------------------------------------------------------------------- banned

BANNED_CPP = [
    (r"\[=[\],\s]", "capture by name, not [=]"),
    (r"(?<!operator )\bnew\b", "raw new: std::make_unique or a container owns it"),
    (r"(?<!=)(?<!= )(?<!operator )\bdelete\b", "raw delete: an owner's container or unique_ptr frees"),
    (r"\b(?:enable_)?shared_from_this\b", "one owner; no object keeps itself alive"),
]
USING_NAMESPACE = r"\busing namespace (?!std::[\w:]*literals)"
BANNED_PROXY = [
    (r"\bstd::function<[^;{}]*>\s+\w+\s*(?:;|=|\{)", "std::function member: an interface, or an enum and a switch"),
    (r"\busing\s+\w+\s*=\s*std::function\b", "std::function by another name"),
    (r"(?<![\w.>])time\s*\((?:nullptr|NULL|0)?\)", "time() lags behind the log's clock: wall_seconds()"),
]
SLEEP_CPP = r"\b(?:sleep|usleep|nanosleep|sleep_for|sleep_until|uv_sleep)\s*\("
# One word, one thing: the other side is the client or the upstream.
STRANGE_WORDS = r"(?i)(?<![a-z])(?:backend|downstream)s?(?![a-z])"
UNFINISHED = r"\b(?:TODO|FIXME|XXX|HACK)\b"
# A folder of somebody's machine, or a package source, which is the system's to know.
OF_A_MACHINE = r"/(?:home/[a-z][\w-]*|Users/\w+|work/\w+)/|^\s*deb\s+(?:\[.*\]\s+)?https?://|\bURIs:\s*http"


def rule_banned(tree: list) -> list:
    problems = []
    for source in (s for s in tree if s.is_cpp):
        banned = list(BANNED_CPP)
        if source.path.startswith("proxy/"):
            banned += BANNED_PROXY
        # A test may open the namespace it tests, or that of its own helpers; never std.
        banned.append((USING_NAMESPACE + (r"std\b" if source.is_test else ""), "name what you use"))
        if not source.is_test:
            banned.append((STRANGE_WORDS, "say client or upstream"))
        for pattern, why in banned:
            problems += [f"{source.path}:{line}: {text.strip()}: {why}" for line, text in source.find(pattern)]
    return problems


def rule_sleep(tree: list) -> list:
    """Tests wait for a condition. In Python a pause between two looks at the condition is a loop's last statement; time
    that belongs to a scenario (a client that reads slowly) passes in a function called pause()."""
    problems = []
    for source in (s for s in tree if s.is_test and not s.path.startswith("tests/bench/")):
        if source.is_cpp:
            problems += [f"{source.path}:{line}: {text} in a test" for line, text in source.find(SLEEP_CPP)]
        elif source.is_python:
            module = ast.parse(source.text)
            polling = {id(node.body[-1].value) for node in ast.walk(module)
                       if isinstance(node, (ast.While, ast.For)) and isinstance(node.body[-1], ast.Expr)}
            for node in ast.walk(module):
                if isinstance(node, ast.FunctionDef) and node.name == "pause":
                    polling |= {id(inner) for inner in ast.walk(node)}
            for node in ast.walk(module):
                if isinstance(node, ast.Call) and id(node) not in polling and called_name(node) in ("sleep", "usleep"):
                    problems.append(f"{source.path}:{node.lineno}: sleep outside of a loop that waits for a condition")
    return problems


def called_name(call: ast.Call) -> str:
    return getattr(call.func, "attr", None) or getattr(call.func, "id", "")


def rule_words(tree: list) -> list:
    problems = []
    for source in (s for s in tree if s.path != "tests/system/test_tidy.py"):
        for line, text in enumerate(source.lines, 1):
            if found := re.search(UNFINISHED, text):
                problems.append(f"{source.path}:{line}: {found[0]}: finish it, or write down why it is so")
            if found := re.search(OF_A_MACHINE, text):
                problems.append(f"{source.path}:{line}: {found[0].strip()}: of one machine only")
    return problems

# ---------------------------------------------------------------------------------------------------- top level


def top_level_problems(names) -> list:
    return [f"{name}:1: not of the top level's fixed contents" for name in sorted(set(names))
            if not name.startswith(".") and name not in TOP_LEVEL]


def tracked_top_level() -> list:
    """What git tracks; where there is no git, what lies there but build/."""
    try:
        listing = subprocess.run(["git", "-C", str(PROJECT), "ls-files"], capture_output=True, text=True, check=True)
        return [line.split("/")[0] for line in listing.stdout.splitlines()]
    except (OSError, subprocess.CalledProcessError):
        return [path.name for path in PROJECT.iterdir() if path.name != "build"]

# -------------------------------------------------------------------------------------------------------- tests

RULES = [rule_arrows, rule_flat, rule_header_cycle, rule_third_party, rule_sans_io, rule_file_size, rule_median_size, rule_function_size,
         rule_header_guard,
         rule_opening_comment, rule_banned, rule_sleep, rule_words]


@pytest.fixture(scope="module")
def project_tree():
    return sources(PROJECT)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__[5:])
def test_project_keeps_rule(project_tree, rule):
    problems = rule(project_tree)
    assert not problems, "\n" + "\n".join(problems)


def test_project_tree_is_seen(project_tree):
    folders = {source.folder for source in project_tree}
    assert set(ARROWS) <= folders, "a folder with arrows has no sources: was it moved?"


def test_arrows_run_one_way():
    """The table itself: a room that sees another is not seen by it, over any number of steps."""
    def reach(room, seen):
        for other in ROOMS[room] - {room} - seen:
            seen.add(other)
            reach(other, seen)
        return seen
    for room in ROOMS:
        assert room not in {far for near in ROOMS[room] - {room} for far in reach(near, {near})}, room
    assert set(ROOMS) == {source.folder for source in sources(PROJECT) if source.is_cpp and not source.is_test}


def test_top_level():
    names = tracked_top_level()
    assert "CMakeLists.txt" in names
    assert not top_level_problems(names)
    assert top_level_problems([".gitignore", "proxy", "src", "notes.md"]) == [
        "notes.md:1: not of the top level's fixed contents", "src:1: not of the top level's fixed contents"]

LONG_CPP = "void f() {\n" + "  g();\n" * (FUNCTION_LINES_MAX - 2) + "}\n"
LONG_PYTHON = "def f():\n" + "    g()\n" * (TEST_FUNCTION_LINES_MAX - 1)
BREAKS = [
    (rule_arrows, "fastcgi/a.h", '#include "config/config.h"', "fastcgi/ may not include config/config.h"),
    (rule_arrows, "config/a.h", '#include "fastcgi/session.h"', "may not include"),
    (rule_arrows, "proxy/http/a.cpp", '#include "proxy/core/spill.h"', "may not include"),
    (rule_arrows, "proxy/core/a.cpp", '#include "proxy/net/stream.h"', "may not include"),
    (rule_arrows, "proxy/core/a.cpp", '#include "proxy/worker/worker.h"', "may not include"),
    (rule_arrows, "proxy/net/a.cpp", '#include "proxy/core/other.h"', "may not include"),
    (rule_arrows, "proxy/worker/a.cpp", '#include "tests/support/x.h"', "may not include"),
    (rule_arrows, "proxy/worker/a.cpp", '#include "worker.h"', "folder/name.h"),
    (rule_arrows, "proxy/worker/a.cpp", "#include <proxy/worker/worker.h>", "folder/name.h"),
    (rule_arrows, "proxy/extra/a.cpp", "", "has no arrows"),
    (rule_third_party, "proxy/a.cpp", "#include <uv.h>", "belongs to proxy/net"),
    (rule_third_party, "proxy/core/a.cpp", "#include <llhttp.h>", "belongs to proxy/http"),
    (rule_third_party, "proxy/a.cpp", "#include <yaml-cpp/yaml.h>", "belongs to config"),
    (rule_third_party, "proxy/admin/a.cpp", "#include <nlohmann/json.hpp>", "belongs to proxy/json"),
    (rule_third_party, "tests/unit/a.cpp", "#include <nlohmann/json_fwd.hpp>", "belongs to proxy/json"),
    (rule_third_party, "proxy/main.cpp", "#include <CLI/App.hpp>", "belongs to proxy/commands"),
    (rule_sans_io, "proxy/core/a.cpp", "#include <sys/socket.h>", "no I/O"),
    (rule_sans_io, "fastcgi/a.cpp", "#include <thread>", "no I/O"),
    (rule_sans_io, "proxy/http/a.cpp", "auto t = steady_clock::now();", "time is an argument"),
    (rule_file_size, "config/a.cpp", "\n" * FILE_LINES_MAX, "450 lines"),
    (rule_function_size, "config/a.cpp", LONG_CPP, "f: 60 lines"),
    (rule_function_size, "config/a.cpp", "namespace n {\nstruct A {\n" + LONG_CPP + "};\n}\n", "f: 60 lines"),
    (rule_function_size, "config/a.cpp", 'auto s = "{(";\nchar c = \'{\';  // {\n' + LONG_CPP, "f: 60 lines"),
    (rule_function_size, "tests/system/a.py", LONG_PYTHON, "f: 70 lines"),
    (rule_header_guard, "config/a.h", "// #pragma once\n", "no #pragma once"),
    (rule_opening_comment, "config/a.cpp", "int x;  // a number\n", "does not open"),
    (rule_opening_comment, "tests/system/a.py", "import os\n", "does not open"),
    (rule_opening_comment, "docker/site/a.php", "<?php\necho 1; // one\n", "does not open"),
    (rule_banned, "proxy/a.h", "std::function<void(int)> on_read_;", "std::function member"),
    (rule_banned, "proxy/a.h", "std::function<void()>\n    later = {};", "std::function member"),
    (rule_banned, "proxy/a.h", "using Callback = std::function<void()>;", "by another name"),
    (rule_banned, "proxy/a.cpp", "const std::time_t now = std::time(nullptr);", "wall_seconds"),
    (rule_banned, "tests/unit/a.cpp", "auto f = [=] { return 1; };", "[=]"),
    (rule_banned, "tests/unit/a.cpp", "auto f = [=, &b] { return 1; };", "[=]"),
    (rule_banned, "config/a.cpp", "auto* p = new Thing(1);", "raw new"),
    (rule_banned, "config/a.cpp", "delete p;", "raw delete"),
    (rule_banned, "proxy/a.cpp", "delete this;", "raw delete"),
    (rule_banned, "proxy/a.cpp", "auto self = shared_from_this();", "one owner"),
    (rule_banned, "proxy/a.cpp", "using namespace std;", "name what you use"),
    (rule_banned, "proxy/a.cpp", "using namespace holdfast::core;", "name what you use"),
    (rule_banned, "tests/unit/a.cpp", "using namespace std::chrono;", "name what you use"),
    (rule_banned, "proxy/a.cpp", "int backend_count = 0;", "say client or upstream"),
    (rule_sleep, "tests/unit/a.cpp", "std::this_thread::sleep_for(1ms);", "sleep_for( in a test"),
    (rule_sleep, "tests/system/a.py", "import time\ntime.sleep(1)\n", "sleep outside"),
    (rule_sleep, "tests/system/a.py", "import time\nfor x in y:\n    time.sleep(1)\n    go()\n", "sleep outside"),
    (rule_words, "config/a.cpp", "// TODO: later", "finish it"),
    (rule_words, "tests/system/a.py", "ROOT = '/home/me/holdfast/x'", "of one machine"),
]
KEEPS = [
    (rule_arrows, "proxy/net/spill_file.h", '#include <vector>\n#include "proxy/core/spill.h"'),
    (rule_arrows, "tests/unit/a.cpp", '#include "proxy/net/stream.h"\n#include "fastcgi/session.h"'),
    (rule_third_party, "proxy/net/a.cpp", "#include <uv.h>"),
    (rule_sans_io, "proxy/net/a.cpp", "#include <sys/socket.h>\nauto t = steady_clock::now();"),
    (rule_file_size, "config/a.cpp", "\n" * (FILE_LINES_MAX - 1)),
    (rule_function_size, "config/a.cpp", LONG_CPP.replace("  g();\n", "", 1)),
    (rule_function_size, "config/a.cpp", "const int kTable[] = {\n" + "  1,\n" * 100 + "};\n"),
    (rule_function_size, "tests/system/a.py", LONG_PYTHON.replace("    g()\n", "", 1)),
    (rule_banned, "proxy/a.h", "// new and delete this in a comment\nA(const A&) = delete;\nint delete_ = 1'000;"),
    (rule_banned, "proxy/a.h", "void each(const std::function<void(int)>& visit);\nauto s = R\"(new [=])\";"),
    (rule_banned, "proxy/a.cpp", "using namespace std::chrono_literals;"),
    (rule_banned, "tests/unit/a.cpp", "using namespace holdfast::core;"),
    (rule_sleep, "tests/system/a.py", "import time\nwhile not ready():\n    time.sleep(0.01)\n"),
    (rule_sleep, "tests/system/a.py", "import time\ndef pause(seconds):\n    time.sleep(seconds)\n"),
    (rule_words, "docker/site/a.php", "<?php\n// hacks and todos in lower case are words like others\n"),
]


def tree_with(tmp_path: Path, path: str, text: str) -> list:
    file = tmp_path / path
    file.parent.mkdir(parents=True)
    file.write_text(text, encoding="utf-8")
    return sources(tmp_path)


@pytest.mark.parametrize("rule, path, text, finding", BREAKS)
def test_rule_finds(tmp_path, rule, path, text, finding):
    problems = rule(tree_with(tmp_path, path, text))
    assert len(problems) == 1 and problems[0].startswith(path + ":") and finding in problems[0]


@pytest.mark.parametrize("rule, path, text", KEEPS)
def test_rule_lets_pass(tmp_path, rule, path, text):
    assert rule(tree_with(tmp_path, path, text)) == []


def test_median_of_the_program(tmp_path):
    tree_with(tmp_path, "config/a.cpp", "\n" * (MEDIAN_LINES_MAX + 1))
    assert "is 121 lines" in rule_median_size(sources(tmp_path))[0]
    (tmp_path / "config/b.cpp").write_text("\n" * (MEDIAN_LINES_MAX - 1), encoding="utf-8")
    assert rule_median_size(sources(tmp_path)) == []


# The structs that a Config is made of. Whoever changes a key builds again what sees its struct.
CONFIG_HEADERS = ["config/config.h", "config/buffers.h", "config/client.h", "config/fastcgi_listener.h", "config/log.h",
                  "config/shutdown.h", "config/site.h"]
CONFIG_INCLUDERS_MAX = 25


@pytest.mark.parametrize("header", CONFIG_HEADERS)
def test_a_key_rebuilds_little_of_the_program(project_tree, header):
    rebuilt = sorted(path for path in includers(project_tree)[header] if not path.startswith("tests/"))
    assert rebuilt, f"nobody includes {header}: was it moved?"
    assert len(rebuilt) <= CONFIG_INCLUDERS_MAX, f"{len(rebuilt)} files: a header that needs a part only includes " \
        f"that, or names it (config/snapshot.h): {', '.join(rebuilt)}"


def test_includers_follow_every_step(tmp_path):
    tree_with(tmp_path, "config/a.h", "")
    (tmp_path / "config/b.h").write_text('#include "config/a.h"\n', encoding="utf-8")
    (tmp_path / "config/b.cpp").write_text('#include "b.h"\n', encoding="utf-8")
    (tmp_path / "config/c.cpp").write_text("#include <a.h>\n", encoding="utf-8")
    assert includers(sources(tmp_path)) == {"config/a.h": {"config/b.cpp"}, "config/b.h": {"config/b.cpp"}}


def test_third_party_in_two_files(tmp_path):
    tree_with(tmp_path, "config/a.cpp", "#include <yaml-cpp/yaml.h>")
    (tmp_path / "config/b.cpp").write_text("#include <yaml-cpp/node/node.h>", encoding="utf-8")
    assert "config/a.cpp, config/b.cpp" in rule_third_party(sources(tmp_path))[0]
