"""Sign-in to Kaggle's client, and what goes wrong in plain words.

Tested with kaggle 2.2.4. Importing the package authenticates, prints advice and makes a folder, so it is imported late, and
its output is dropped.
"""

import contextlib
import io
from collections.abc import Callable, Iterator
from typing import Any

from goldfold.errors import InputError
from goldfold.kaggle.credentials import NEW_TOKEN, find_credentials

INSTALL = "pip install -r requirements-kaggle.txt -c constraints.txt"


class UnreachableError(InputError):
    """Kaggle does not answer, is down, or wants less requests: another try may go through."""


class RefusedError(InputError):
    """Kaggle does not do what it was asked for."""


class MissingError(RefusedError):
    """What was asked for is not there, or not yours to see: Kaggle does not say which."""


@contextlib.contextmanager
def asking(refusal: Callable[[int, str], InputError]) -> Iterator[Any]:
    """Yield Kaggle's client, signed in; what goes wrong becomes an InputError in plain words.

    `refusal` makes one of a refusal's HTTP code and message, where it is about what was asked for.
    """
    entries = find_credentials()
    if entries is None:
        raise InputError("Kaggle wants to know who you are, and there are no credentials on this machine", mend=NEW_TOKEN)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            import kaggle
    except ModuleNotFoundError as error:
        if error.name != "kaggle":
            raise
        raise InputError("Kaggle's official client is not installed", mend=INSTALL) from None
    import requests

    api = kaggle.api
    try:
        if not api.get_config_value("auth_method"):
            # The import tried this already, and hid its error.
            with contextlib.redirect_stdout(io.StringIO()):
                api.authenticate()
        yield api
    except SystemExit:
        raise InputError(f"Kaggle does not take the credentials in {entries.source}", mend=NEW_TOKEN) from None
    except requests.HTTPError as error:
        code, message = error.response.status_code, _message(error)
        if code == 401:
            raise InputError(f"Kaggle does not take the credentials in {entries.source}", [message], NEW_TOKEN) from error
        if code == 429:
            raise UnreachableError("Kaggle has had too many requests from you", [message], "wait some minutes") from error
        if code >= 500:
            raise UnreachableError(f"Kaggle has an internal error ({code})", [message], "try again later") from error
        raise refusal(code, message) from error
    except requests.RequestException as error:
        what = f"Kaggle does not answer: {type(error).__name__}"
        raise UnreachableError(what, mend="check the network, then repeat the command, which continues") from error


def asking_about(what: str, page: str) -> contextlib.AbstractContextManager[Any]:
    """Ask about something of yours, such as the data set ann/x, whose address is `page`."""

    def refusal(code: int, message: str) -> InputError:
        if code in (403, 404):
            return MissingError(f"Kaggle has no {what}, or you may not use it", [message], f"look at {page}")
        return RefusedError(f"Kaggle refused ({code}) the {what}", [message], f"look at {page}")

    return asking(refusal)


def user() -> str:
    """Return your name on Kaggle."""
    with asking_about("account of yours", "https://www.kaggle.com/settings") as api:
        name = api.get_config_value("username")
    if not name:
        raise InputError("Kaggle's client does not know your name", mend=NEW_TOKEN)
    return str(name)


def _message(error: Any) -> str:
    """Kaggle's own message."""
    try:
        return str(error.response.json()["message"])
    except (ValueError, KeyError, TypeError):
        return str(error)
