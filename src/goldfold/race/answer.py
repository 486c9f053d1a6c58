"""The answer of a race: the blend of its members, whose score is nested."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from goldfold.blending import Blend, BlendSettings, blend, default_scale, gather
from goldfold.config import Config
from goldfold.errors import InputError
from goldfold.files import folder_written_whole
from goldfold.members import Member
from goldfold.prediction import Submission
from goldfold.prepare import PreparedSet
from goldfold.validation import CVResult
from goldfold.validation.comparison import Comparison, compare

FEWEST_RESAMPLES = 10


@dataclass(frozen=True)
class Answer:
    """The submission of so many members and its cross-validation, the `best` of them, and their blend, or why there is none."""

    members: int
    best: Member
    cv: CVResult
    submission: Submission
    blend: Blend | None = None
    why: str = "there is one member"

    def save(self, folder: Path) -> None:
        """Write cv/ and submission/, and blend.json of a blend, all or none."""
        if self.blend:
            self.blend.save(folder)
            return
        with folder_written_whole(folder) as draft:
            self.cv.save(draft / "cv")
            self.submission.save(draft / "submission")


def answer_of(prepared: PreparedSet, config: Config, members: Sequence[Member], quick: bool) -> Answer:
    """Blend members by the method that scores best (`auto`), or quickly: by hill climbing, without an interval.

    Members of a single fold leave nothing to fit: they have equal weights. A single member, and the best of several that no
    method can blend, answers alone.
    """
    problem = prepared.problem
    best = (max if problem.scored_by.maximize else min)(members, key=lambda member: member.cv.scores.score)
    alone = Answer(len(members), best, best.cv, best.submission)
    if len(members) == 1:
        return alone
    validated = config.validate_.model_copy(update={"bootstrap": FEWEST_RESAMPLES}) if quick else config.validate_
    groups = prepared.groups(config.split.group)
    try:
        level = gather(problem, ((member.name, member.cv, member.test) for member in members), len(members))
        method = "equal" if level.table["fold"].nunique() < 2 else "hill" if quick else None
        settings = BlendSettings(method, default_scale(level, method)) if method else None  # type: ignore[arg-type]
        made = blend(level, prepared.sample, settings, validated, groups)
        made = replace(made, runs={member.name: member.name for member in members})
    except InputError as error:
        return replace(alone, why=f"they cannot be blended: {str(error).splitlines()[0]}")
    return replace(alone, cv=made.cv, submission=made.submission, blend=made)


def won_over_best(prepared: PreparedSet, config: Config, answer: Answer) -> Comparison | None:
    """Compare the blend with the best of its members on the same rows; None where a member answers alone."""
    if answer.blend is None:
        return None
    pair = {answer.best.name: answer.best.cv, "the blend": answer.cv}
    return compare(prepared.problem, pair, config.validate_, prepared.groups(config.split.group))
