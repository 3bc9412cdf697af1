"""`cmake --install`, as the README tells: program, unit and documents, where the prefix says."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from harness.holdfast import BINARY

SOURCE = Path(__file__).resolve().parents[2]
BUILD = Path(BINARY).resolve().parent


@pytest.fixture
def installed(base):
    if not (BUILD / "cmake_install.cmake").exists() or not shutil.which("cmake"):
        pytest.skip(f"{BUILD} is no build directory of CMake")
    prefix = base / "prefix"
    done = subprocess.run(["cmake", "--install", BUILD, "--prefix", prefix], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return prefix


def test_install(installed):
    told = subprocess.run([installed / "bin/holdfast", "--version"], capture_output=True, text=True, check=True).stdout
    assert re.fullmatch(r"holdfast \d+\.\d+\.\d+\n", told), told
    unit = (installed / "lib/systemd/system/holdfast.service").read_text()
    own = (SOURCE / "config/samples/holdfast.service").read_text()
    assert unit == own.replace("/usr/local/bin/", f"{installed}/bin/")
    assert f"\nExecStart={installed}/bin/holdfast run " in unit
    documents = {str(p.relative_to(installed / "share/doc/holdfast")) for p in installed.glob("share/doc/holdfast/**/*") if p.is_file()}
    assert documents >= {"LICENSE", "README.md", "SECURITY.md", "CHANGELOG.md", "CONTRIBUTING.md", "config/README.md", "config/holdfast.yaml",
                         "config/samples/minimal.yaml", "config/samples/php-fpm-pool.conf"}


def test_installed_configuration_is_accepted(installed):
    sample = installed / "share/doc/holdfast/config/samples/minimal.yaml"
    done = subprocess.run([installed / "bin/holdfast", "check", "-c", sample], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
