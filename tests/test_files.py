from __future__ import annotations

import os
from pathlib import Path

import anndata
import pytest
from anndata import AnnData

from scrcl_graph import InputError
from scrcl_graph._files import replacing
from scrcl_graph.io import check_writable, read_h5ad, write_h5ad


def test_the_target_is_replaced_only_when_everything_is_written(tmp_path: Path) -> None:
    target = tmp_path / "result.txt"
    target.write_text("old")
    with replacing(target) as temporary:
        temporary.write_text("new")
        assert target.read_text() == "old"
    assert target.read_text() == "new"
    assert list(tmp_path.iterdir()) == [target]


def test_after_an_error_the_old_file_is_there_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "result.txt"
    target.write_text("old")

    def interrupted() -> None:
        with replacing(target) as temporary:
            temporary.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_folder_is_replaced_whole(tmp_path: Path) -> None:
    target = tmp_path / "model"
    target.mkdir()
    (target / "old").touch()
    with replacing(target, folder=True) as temporary:
        (temporary / "new").touch()
    assert [file.name for file in target.iterdir()] == ["new"]
    assert list(tmp_path.iterdir()) == [target]


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    target = tmp_path / "nowhere" / "result.txt"
    for attempt in (lambda: replacing(target).__enter__(), lambda: check_writable([tmp_path / "input"], target)):
        with pytest.raises(InputError, match=r"folder .*nowhere does not exist"):
            attempt()


def test_a_folder_and_the_input_itself_are_no_place_for_results(tmp_path: Path) -> None:
    source = tmp_path / "cells.h5ad"
    source.touch()
    (tmp_path / "alias.h5ad").symlink_to(source)
    with pytest.raises(InputError, match="cannot write"):
        check_writable([source], tmp_path)
    for same in (source, tmp_path / "alias.h5ad"):
        with pytest.raises(InputError, match="is an input"):
            check_writable([source], None, same)


def test_what_is_in_an_input_folder_is_not_replaced(tmp_path: Path) -> None:
    check_writable([tmp_path], tmp_path / "result.h5ad")
    (tmp_path / "matrix.mtx.gz").touch()
    with pytest.raises(InputError, match=r"matrix\.mtx\.gz exists in the input folder"):
        check_writable([tmp_path], tmp_path / "matrix.mtx.gz")


def test_an_anndata_survives_writing_and_reading(planted: AnnData, tmp_path: Path) -> None:
    write_h5ad(planted, tmp_path / "planted.h5ad")
    back = read_h5ad(tmp_path / "planted.h5ad")
    assert (back.X != planted.X).nnz == 0
    assert back.obs.equals(planted.obs)
    assert [file.name for file in tmp_path.iterdir()] == ["planted.h5ad"]


def test_an_interrupted_write_keeps_the_old_file(
    planted: AnnData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "planted.h5ad"
    write_h5ad(planted, target)
    before = target.read_bytes()

    def fail(self: AnnData, path: Path) -> None:
        path.write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(anndata.AnnData, "write_h5ad", fail)
    with pytest.raises(OSError, match="disk full"):
        write_h5ad(planted, target)
    assert target.read_bytes() == before
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("content", [b"", b"cells,genes\n", b"\x89HDF\r\n\x1a\n"])
def test_a_file_that_is_no_h5ad_is_refused_in_one_line(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "table.h5ad").write_bytes(content)
    with pytest.raises(InputError, match=r"table\.h5ad cannot be read as \.h5ad: ") as refused:
        read_h5ad(tmp_path / "table.h5ad")
    assert "\n" not in str(refused.value)


def test_a_file_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"there is no file .*nothing\.h5ad"):
        read_h5ad(tmp_path / "nothing.h5ad")


def test_only_a_regular_file_is_replaced_and_a_link_stays_one(tmp_path: Path) -> None:
    pipe, link, target = tmp_path / "pipe", tmp_path / "link", tmp_path / "target"
    os.mkfifo(pipe)
    target.write_text("old")
    link.symlink_to(target)
    for attempt in (lambda: replacing(pipe).__enter__(), lambda: check_writable([], pipe)):
        with pytest.raises(InputError, match="cannot write"):
            attempt()
    assert pipe.is_fifo()
    with replacing(link) as path:
        path.write_text("new")
    assert link.is_symlink()
    assert target.read_text() == "new"


def test_two_results_never_share_a_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is an output of the same command"):
        check_writable([], tmp_path / "a.h5ad", tmp_path / "." / "a.h5ad")
