"""Whether pretrained weights can be downloaded, checked within seconds."""

import socket
import threading
from urllib.parse import urlparse
from urllib.request import getproxies

from goldfold.errors import InputError

ANSWER_WITHIN = 3.5


def require_answer(name: str, address: str | None, ways_out: str) -> None:
    """Raise InputError where the Hugging Face hub, or `address`, does not answer within seconds; libraries try for a minute."""
    from huggingface_hub import constants

    offline = constants.HF_HUB_OFFLINE and address is None
    address = address or constants.ENDPOINT
    if offline or not answers(address):
        why = "HF_HUB_OFFLINE is set" if offline else f"{urlparse(address).netloc} does not answer"
        raise InputError(f"the pretrained weights of {name} are not on this machine, and {why}", mend=ways_out)


def answers(address: str) -> bool:
    """Return whether something accepts a connection at `address` (or at the proxy that leads there) within a few seconds."""
    host = urlparse(address)
    proxy = getproxies().get(host.scheme)
    if proxy:
        host = urlparse(proxy if "//" in proxy else f"//{proxy}")
    answered = threading.Event()

    def connect() -> None:
        try:
            port = host.port or (443 if host.scheme == "https" else 80)
            socket.create_connection((host.hostname or "", port), ANSWER_WITHIN).close()
            answered.set()
        except OSError:
            pass

    # In a thread, because looking up a name has no timeout of its own.
    thread = threading.Thread(target=connect, daemon=True)
    thread.start()
    thread.join(ANSWER_WITHIN)
    return answered.is_set()
