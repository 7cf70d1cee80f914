"""The benchmarks of pytest: a table for each case, in the order of sizes, ours named as such."""

from __future__ import annotations

import json
import re
from pathlib import Path

import claims
import pytest
from processes import python

import fastws

FOLDER = Path(claims.__file__).parent


@pytest.mark.slow
def test_a_table_for_each_case_in_the_order_of_sizes(tmp_path: Path) -> None:
    found = tmp_path / "found.json"
    words = ["--benchmark-enable", "--benchmark-max-time=0", "--benchmark-min-rounds=1"]
    words += [
        "-k",
        "utf8 and ascii and not pure",
        f"--benchmark-json={found}",
        "-p",
        "no:cacheprovider",
    ]
    done = python("-m", "pytest", FOLDER, *words, cwd=FOLDER.parent, COLUMNS="80")
    assert done.returncode == 0, done.stdout + done.stderr
    names = re.findall(r"benchmark '(.+?)': 2 tests", done.stdout)
    assert names == [f"utf8, ascii, {size}" for size in ("16 B", "125 B", "1 KiB", "64 KiB")]
    assert len(re.findall(r"^fastws ", done.stdout, re.MULTILINE)) == len(names)
    assert "StdDev" not in done.stdout  # little is shown
    told = json.loads(found.read_text())
    assert told["machine_info"]["environment"]["fastws"].startswith(fastws.__version__)
    assert found.stat().st_size < 50_000  # without the samples
    extra = [row["extra_info"] for row in told["benchmarks"]]
    assert {each["side"] for each in extra} == {"ours", "decode"}
    assert {each["size"] for each in extra} == {16, 125, 1024, 65536}
