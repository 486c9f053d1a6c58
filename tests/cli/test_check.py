import pytest

from goldfold.cli.main import run_command
from goldfold.errors import InputError

PARAMS = "competition: {path: data/demo/digits}\nmodel: {name: test_resnet}\n"


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ("predict: {tta: [HorizontalFlop]}", r"predict.tta.0.name.*did you mean HorizontalFlip\?"),
        (
            "competition: {path: data/demo/digits, modality: table}\npredict: {tta: [HorizontalFlip]}",
            "HorizontalFlip does not apply",
        ),
        ("validate: {postprocess: [{name: threshold, value: 0.3}]}", "threshold takes no value"),
        ("competition: {path: data/demo/digits, metric: acuracy}", r"there is no metric acuracy; did you mean accuracy\?"),
    ],
)
def test_names_that_a_later_stage_would_refuse_are_refused_at_once(desk, section, message):
    written = "".join(line for line in PARAMS.splitlines(keepends=True) if line.split(":")[0] not in section)
    (desk / "params.yaml").write_text(f"{written}{section}\n")
    with pytest.raises(InputError, match=message):
        run_command(["check"])
