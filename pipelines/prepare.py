"""competition files → PreparedSet"""

import argparse
from pathlib import Path

from goldfold.process import run_to_end


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()

    from goldfold.audit import audit, require_sound
    from goldfold.competition import read_competition
    from goldfold.config import load_config
    from goldfold.prepare import prepare
    from goldfold.scratch import scratch_folder
    from goldfold.terminal import input_progress, show_audit, show_prepared

    config = load_config()
    competition = read_competition(config.competition, config.prepare)
    prepared, summary = prepare(competition, config.split, config.prepare, args.out, input_progress, scratch_folder())
    show_prepared(summary)
    result = audit(prepared, competition, config.prepare)
    show_audit(result)
    if result is not None:
        require_sound(result, config.prepare)


if __name__ == "__main__":
    run_to_end(main)
