"""Every counter has a reader: each field of the structs below is read where an operator can see it, on the admin endpoint
(/metrics, /status, its log lines) or in a log. A count that nobody can read costs time and hides what it counts."""

import re
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
# Struct -> its header. Whoever adds a struct of counters names it here.
COUNTERS = {
    "Metrics": "proxy/observe/metrics.h",
    "PoolTimes": "proxy/observe/metrics.h",
    "Reloads": "proxy/observe/metrics.h",
    "PoolStats": "proxy/core/pool_stats.h",
    "PoolCounts": "proxy/core/connection_set.h",
    "FpmNumbers": "proxy/fpm/fpm_numbers.h",
}
# Where what is read is shown.
READERS = ("proxy/admin/*.cpp", "proxy/fpm/fpm_numbers.h")
COMMENT = re.compile(r"//[^\n]*|\"(?:\\.|[^\"\\\n])*\"")


def fields_of(text: str, struct: str) -> list:
    """Names of the data members: what stands before `=`, `{}`, `,` or `;`, in no function and no constant."""
    found = re.search(rf"^struct {struct} {{\n(.*?)^}};", text, re.DOTALL | re.MULTILINE)
    assert found, f"there is no struct {struct}"
    body = COMMENT.sub("", found[1])
    # Nested bodies and initialisers go, innermost first; `#` marks where one was.
    while (shorter := re.sub(r"\{[^{}]*\}", "#", body)) != body:
        body = shorter
    names = []
    for statement in re.split(r"[;#]\s*\n", body):
        statement = re.sub(r"<[^<>]*(?:<[^<>]*>[^<>]*)*>", "<>", statement.strip())
        if not statement or "(" in statement or re.match(r"(static|using|friend|enum)\b|bool operator", statement):
            continue
        for part in statement.split(","):
            name = re.search(r"(\w+)\s*(?:=.*)?$", part.strip().rstrip("#;"))
            assert name, statement
            names.append(name[1])
    return names


def unread(fields: list, readers: str) -> list:
    """Those that no reader names as a member: `.field`, or `::field` of a table of members."""
    return [field for field in fields if not re.search(rf"(?:\.|->|::){field}\b", readers)]


@pytest.mark.parametrize("struct", sorted(COUNTERS))
def test_each_counter_has_a_reader(struct):
    fields = fields_of((PROJECT / COUNTERS[struct]).read_text(encoding="utf-8"), struct)
    assert len(fields) >= 3, f"{struct}: only {fields} found"
    readers = "\n".join(COMMENT.sub("", path.read_text(encoding="utf-8"))
                        for pattern in READERS for path in sorted(PROJECT.glob(pattern)))
    assert not unread(fields, readers), f"{struct}: counted, and shown nowhere"


@pytest.mark.parametrize("counter, reader", [
    ("proxy/loop/descriptor_watch.h failures", "proxy/admin/admin_metrics.cpp"),
    ("proxy/observe/log.h dropped", "proxy/admin/admin_metrics.cpp"),
    ("proxy/observe/access_log.h dropped", "proxy/admin/admin_metrics.cpp"),
    ("proxy/upstream/upstream.h retried", "proxy/admin/admin_metrics.cpp"),
])
def test_counters_behind_a_function_have_one(counter, reader):
    header, name = counter.split()
    assert re.search(rf"\b{name}\(", (PROJECT / header).read_text(encoding="utf-8"))
    assert re.search(rf"\b{name}\(", (PROJECT / reader).read_text(encoding="utf-8"))


SAMPLE = """struct Sample {
  std::uint64_t plain = 0;  // a comment; with = signs
  std::uint32_t one = 0, two = 0;
  std::array<std::uint64_t, kMany> many{};
  std::unordered_map<std::string, Other> map;
  static constexpr std::array<std::string_view, 2> kNames = {"a",
                                                             "b"};
  void count(int status) {
    if (status > 1) ++many[0];
  }
  std::uint32_t total() const { return one + two; }
  bool operator==(const Sample&) const = default;
  Histogram last;
};
"""


def test_fields_are_found():
    assert fields_of(SAMPLE, "Sample") == ["plain", "one", "two", "many", "map", "last"]


def test_an_unread_field_is_found():
    assert unread(["plain", "one", "many"], "stats.plain + &Sample::many; plain_one; one") == ["one"]
