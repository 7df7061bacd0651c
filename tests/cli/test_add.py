"""genarris-fw add."""

from __future__ import annotations

from pathlib import Path

import mutant_seeds as seeds
import pytest
from command_line import call


def test_a_control_file_with_a_comment_in_another_encoding(
    tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """FHI-aims reads it, so does everything here."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "water.json").write_bytes(seeds.json_records()["water.json"])
    (tmp_path / "ui.conf").write_text(seeds.CONTROLLED)
    (tmp_path / "control.in").write_bytes("# für Müller\n".encode("latin-1") + seeds.controls()["control_scf.in"])
    done = call(capsys, "add", "ui.conf", "--yaml", "workflow.yaml")
    assert (done.code, done.err) == (0, "")
    assert "xc" in (tmp_path / "workflow.yaml").read_text()
