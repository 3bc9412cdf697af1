"""What the CMake files promise: which flags a build gets, for each build type and each preset; and that the asserts are
in the program that the other tests run. Configures only; nothing is compiled."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from harness.holdfast import BINARY

SOURCE = Path(__file__).resolve().parents[2]
OURS = ("fastcgi/", "config/", "proxy/", "tests/")
needs_cmake = pytest.mark.skipif(not shutil.which("cmake") or not shutil.which("ninja"), reason="no cmake, or no ninja")


def commands(build: Path, *options: str) -> dict:
    """Path -> words of its compile command, after configuring into `build`: of our sources, or of what joins them."""
    done = subprocess.run(["cmake", "-S", SOURCE, "-B", build, "-G", "Ninja", *options], capture_output=True, text=True,
                          check=False)
    assert done.returncode == 0, done.stderr
    listed = json.loads((build / "compile_commands.json").read_text())
    found = {}
    for each in listed:
        path, words = Path(each["file"]), each["command"].split()
        if path.is_relative_to(build):
            if "Unity" in path.parts:
                found[str(path.relative_to(build))] = words
        elif str(path.relative_to(SOURCE) if path.is_relative_to(SOURCE) else path).startswith(OURS):
            found[str(path.relative_to(SOURCE))] = words
    assert len(found) > 50
    return found


def drops_asserts(words: list) -> bool:
    about = [word for word in words if re.fullmatch(r"-[DU]NDEBUG(=.*)?", word)]
    return bool(about) and about[-1].startswith("-D")


@needs_cmake
@pytest.mark.parametrize("build_type", ["Release", "MinSizeRel", "Debug"])
def test_no_build_type_drops_the_asserts(base, build_type):
    found = commands(base / "build", f"-DCMAKE_BUILD_TYPE={build_type}")
    assert not [path for path, words in found.items() if drops_asserts(words)]


@needs_cmake
def test_nor_do_flags_of_the_user(base):
    found = commands(base / "build", "-DCMAKE_BUILD_TYPE=None", "-DCMAKE_CXX_FLAGS=-O2 -DNDEBUG")
    assert not [path for path, words in found.items() if drops_asserts(words)]


@needs_cmake
def test_a_plain_build_is_optimised_and_survives_warnings(base):
    found = commands(base / "build")
    for path, words in found.items():
        assert "-O2" in words and "-g" in words, path
        assert "-Werror" not in words and not drops_asserts(words), path
    assert "CMAKE_BUILD_TYPE:STRING=RelWithDebInfo\n" in (base / "build/CMakeCache.txt").read_text()


@needs_cmake
@pytest.mark.parametrize("preset", ["release", "asan"])
def test_presets_take_warnings_for_errors(base, preset):
    found = commands(base / "build", f"--preset={preset}")
    for path, words in found.items():
        assert "-Werror" in words, path
        assert not drops_asserts(words), path


@needs_cmake
def test_a_room_is_compiled_together_and_its_files_alone_for_who_changes_them(base):
    sources = {str(path.relative_to(SOURCE)) for room in ("fastcgi", "config", "proxy") for path in (SOURCE / room).rglob("*.cpp")}
    together = commands(base / "build")
    assert len(together) < len(sources) / 2
    joined = "".join(path.read_text() for path in (base / "build").rglob("Unity/*.cxx"))
    assert not [path for path in sources if f'/{path}"' not in joined and path not in together]
    assert sources <= commands(base / "alone", "--preset=debug").keys()


@needs_cmake
@pytest.mark.skipif(not shutil.which("clang++-14"), reason="no clang")
def test_each_fuzzer_is_built(base):
    done = subprocess.run(["cmake", "-S", SOURCE, "-B", base / "build", "--preset=fuzz"], capture_output=True, text=True,
                          check=False)
    assert done.returncode == 0, done.stderr
    listed = subprocess.run(["ninja", "-C", base / "build", "-t", "inputs", "fuzzers"], capture_output=True, text=True,
                            check=True).stdout
    sources = sorted((SOURCE / "tests/fuzz").glob("*_fuzz.cpp"))
    assert sources
    for source in sources:
        assert f"tests/fuzz/{source.name}" in listed, f"{source.name} is not among the fuzzers of CMake"


def asserted(folder: str) -> set:
    """Expressions of the asserts of a folder's .cpp files, as the compiler puts them into the program."""
    texts = (path.read_text(encoding="utf-8") for path in (SOURCE / folder).glob("*.cpp"))
    found = {match for text in texts for match in re.findall(r"^\s*assert\(([^\"\n]+)\);$", text, re.MULTILINE)}
    return {" ".join(expression.split()).encode() for expression in found}


def test_asserts_are_alive_in_the_program():
    program = Path(BINARY).read_bytes()
    folders = [folder for folder in ("fastcgi", *(str(p.relative_to(SOURCE)) for p in (SOURCE / "proxy").iterdir() if p.is_dir()))
               if asserted(folder)]
    assert "proxy/core" in folders and "fastcgi" in folders
    assert b"__assert_fail" in program
    for folder in folders:
        missing = [text for text in asserted(folder) if text not in program]
        assert not missing, f"asserts of {folder} that are not in {BINARY}: {missing}"
