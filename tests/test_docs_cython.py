"""The Cython on the pages is Cython: it translates, beside the declarations that it asks for."""

from __future__ import annotations

from pathlib import Path

import pytest
from pages import ROOT, Block, blocks_in

pytestmark = pytest.mark.slow  # the pages are the same for every interpreter

compile_single = pytest.importorskip("Cython.Compiler.Main").compile_single
Options = pytest.importorskip("Cython.Compiler.Main").CompilationOptions


@pytest.mark.parametrize("block", blocks_in("cython"), ids=str)
def test_each_cython_block_translates(block: Block, tmp_path: Path) -> None:
    source = tmp_path / "block.pyx"
    source.write_text(block.text, encoding="utf-8")
    options = Options(include_path=[str(ROOT)], output_file=str(tmp_path / "block.c"))
    assert compile_single(str(source), options, "block").num_errors == 0
