"""`goldfold doctor`: what is wrong, and how to mend it."""

from pathlib import Path

from goldfold.errors import InputError


def doctor() -> None:
    """Print a line per check; exit with 2 where something is wrong."""
    if not Path("params.yaml").is_file():
        raise InputError(f"there is no params.yaml in {Path.cwd()}", mend="run this in the root of the repository")
    from goldfold.doctor import examine

    count = 0
    for found in examine():
        mend = f"; to mend it: {found.mend}" if found.mend else ""
        print(f"{found.state:<6} {found.what:<11}  {found.told}{mend}", flush=True)
        count += found.state == "wrong"
    if count:
        raise SystemExit(2)
