"""params.yaml → all settings, the defaults too, once the pipeline was rehearsed with them on a handful of rows"""

import argparse
from pathlib import Path

from goldfold.process import run_to_end


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()

    from goldfold.competition import read_competition
    from goldfold.config import load_config, save_config
    from goldfold.rehearsal import rehearse
    from goldfold.scratch import scratch_folder

    config = load_config()
    said = rehearse(config, lambda: read_competition(config.competition, config.prepare), scratch_folder())
    print(f"rehearsed: {said}", flush=True)
    save_config(config, args.out)


if __name__ == "__main__":
    run_to_end(main)
