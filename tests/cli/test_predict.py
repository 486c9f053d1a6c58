"""`goldfold predict`, on a competition of tables without headers."""

import pytest
from tests.conftest import TINY, build_repository

from goldfold.cli.main import run_command
from goldfold.errors import InputError


@pytest.mark.slow
def test_tables_without_a_header_are_read_as_the_competitions_are(tmp_path, monkeypatch, capsys):
    params = TINY.replace("metric: accuracy", "metric: accuracy, header: false, id: column1, target: column5")
    root = build_repository(tmp_path, params, header=False)
    monkeypatch.delenv("DVC_ROOT", raising=False)
    monkeypatch.chdir(root)
    (root / "rows.csv").write_text("a,3.1,0.2,r\nb,-3.1,0.2,g\n")
    capsys.readouterr()
    run_command(["predict", "--top", "1", "rows.csv"])
    assert [line.split()[:2] for line in capsys.readouterr().out.splitlines()] == [["a", "yes"], ["b", "no"]]
    (root / "few.csv").write_text("a,3.1\n")
    with pytest.raises(InputError, match="the rows have no column column3, column4"):
        run_command(["predict", "few.csv"])
