"""A server that speaks the protocol of Kaggle's client (kaggle 2.2.4, kagglesdk 0.1.37), on this machine.

The client is not touched: with KAGGLE_API_ENVIRONMENT=LOCALHOST it asks http://localhost/api/v1/<service>/<method>, and
HTTP_PROXY brings what it asks to the stand-in's own port.
"""

import base64
import io
import json
import threading
import zipfile
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

from tests.kaggle.stand_in_code import CodeMethods, Refused, Workshop

USER, KEY, TOKEN = "ann", "0123456789abcdef", "KGAT_token"
RULES = "You must accept this competition's rules before you'll be able to download files."


@dataclass
class Contest:
    """A competition of the stand-in: its files by name, and what it is like to ask for it."""

    files: dict[str, bytes]
    metric: str = "Categorization Accuracy"
    accepted: bool = True
    joined: bool = True
    quota: int = 5
    awards_points: bool = True
    notebooks_only: bool = False
    closed: bool = False


@dataclass
class Kaggle:
    """What the stand-in holds, and what it was asked: the methods' names and the requests."""

    contests: dict[str, Contest]
    port: int = 0
    asked: list[tuple[str, dict]] = field(default_factory=list)
    blobs: dict[str, bytes] = field(default_factory=dict)
    submissions: list[dict] = field(default_factory=list)
    breaks_off_after: int | None = None
    workshop: Workshop | None = None
    fails: dict[str, int] = field(default_factory=dict)
    """How many more requests of a method meet an internal error."""
    loses_answers_to: set[str] = field(default_factory=set)
    """The methods that are done once more, but whose answer does not arrive."""

    @property
    def env(self):
        """The variables that lead the client here."""
        here = f"http://127.0.0.1:{self.port}"
        return {"KAGGLE_API_ENVIRONMENT": "LOCALHOST", "HTTP_PROXY": here, "http_proxy": here, "NO_PROXY": "", "no_proxy": ""}

    @property
    def credentials(self):
        return {"KAGGLE_USERNAME": USER, "KAGGLE_KEY": KEY}


@contextmanager
def running(contests):
    """A stand-in that runs until the block ends."""
    folder = TemporaryDirectory()
    kaggle = Kaggle(contests, workshop=Workshop(Path(folder.name)))
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"kaggle": kaggle}))
    kaggle.port = server.server_port
    threading.Thread(target=lambda: server.serve_forever(poll_interval=0.01), daemon=True).start()
    try:
        yield kaggle
    finally:
        server.shutdown()
        server.server_close()
        folder.cleanup()


def zipped(files):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


class _Handler(CodeMethods, BaseHTTPRequestHandler):
    kaggle: Kaggle
    loses_answer = False

    def log_message(self, *_):
        pass

    def do_POST(self):
        *_, service, method = urlsplit(self.path).path.split("/")
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])) or "{}")
        self.kaggle.asked.append((f"{service}/{method}", request))
        try:
            if method == "IntrospectToken":
                return self._json({"active": request["token"] == TOKEN, "username": USER})
            self._require_user()
            if self.kaggle.fails.get(method, 0):
                self.kaggle.fails[method] -= 1
                raise Refused(500, "Internal error")
            self.loses_answer = method in self.kaggle.loses_answers_to
            self.kaggle.loses_answers_to.discard(method)
            return getattr(self, f"_{method}")(request)
        except Refused as refused:
            return self._json({"code": refused.code, "message": refused.message}, refused.code)

    def do_GET(self):
        """The storage that DownloadDataFiles leads to; it goes on where a Range says. And the files that kernels wrote."""
        _, kind, *place = urlsplit(self.path).path.split("/")
        if kind == "output":
            return self._send(200, self.output_file(*place))
        content = self.data_set_archive(*place[:3]) if kind == "data-sets" else self._archive(place[-2])
        start = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").removesuffix("-"))
        more = {"Accept-Ranges": "bytes", "ETag": '"1"', "Last-Modified": "Sat, 01 Jun 2024 10:00:00 GMT"}
        return self._send(206 if start else 200, content[start:], "application/zip", more)

    def do_PUT(self):
        token = urlsplit(self.path).path.split("/")[-1]
        if token in self.workshop.uploads:
            return self.put_file(token, self._body())
        self.kaggle.blobs[token] = self._body()
        return self._send(200, b"")

    def _body(self):
        if "Content-Length" in self.headers:
            return self.rfile.read(int(self.headers["Content-Length"]))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _require_user(self):
        basic = "Basic " + base64.b64encode(f"{USER}:{KEY}".encode()).decode()
        if self.headers.get("Authorization") not in (basic, f"Bearer {TOKEN}"):
            raise Refused(401, "Unauthenticated")

    def _contest(self, request):
        contest = self.kaggle.contests.get(request["competitionName"])
        if contest is None:
            raise Refused(404, "Not found")
        if not contest.joined:
            raise Refused(403, "Permission 'competitions.participate' was denied")
        return contest

    def _archive(self, slug):
        return zipped(self.kaggle.contests[slug].files)

    def _GetCompetition(self, request):
        contest = self._contest(request)
        facts = {
            "ref": request["competitionName"],
            "evaluationMetric": contest.metric,
            "maxDailySubmissions": contest.quota,
            "awardsPoints": contest.awards_points,
            "isKernelsSubmissionsOnly": contest.notebooks_only,
            "submissionsDisabled": contest.closed,
        }
        self._json(facts)

    def _DownloadDataFiles(self, request):
        if not self._contest(request).accepted:
            raise Refused(403, RULES)
        self.lead_to(f"storage/{request['competitionName']}/archive.zip")

    def lead_to(self, place):
        self.send_response(302)
        self.send_header("Location", f"http://localhost/{place}?signature=x")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _StartSubmissionUpload(self, request):
        self._contest(request)
        token = f"blob-{len(self.kaggle.blobs)}"
        self._json({"token": token, "createUrl": f"http://localhost/upload/{token}"})

    def _CreateSubmission(self, request):
        contest = self._contest(request)
        self._submitted(contest, request, len(self.kaggle.blobs[request["blobFileTokens"]]))

    def _submitted(self, contest, request, size):
        sent = self.kaggle.submissions
        if len(sent) >= contest.quota:
            raise Refused(400, "Submission not allowed: your team has used its daily Submission allowance (5) today")
        sent.append(
            {
                "ref": 100 + len(sent),
                "date": f"2026-11-21T10:{len(sent) // 60:02}:{len(sent) % 60:02}.0000000Z",
                "description": request.get("submissionDescription", ""),
                "fileName": "submission.csv",
                "status": "COMPLETE" if len(sent) else "PENDING",
                "publicScore": "0.77511" if len(sent) else "",
                "privateScore": "",
                "totalBytes": size,
            }
        )
        self._json({"message": "Successfully submitted", "ref": sent[-1]["ref"]})

    def _ListSubmissions(self, request):
        self._contest(request)
        size, page = request["pageSize"], request.get("page", 1)
        newest = self.kaggle.submissions[::-1]
        self._json({"submissions": newest[size * (page - 1) : size * page], "nextPageToken": ""})

    def _DownloadLeaderboard(self, request):
        self._contest(request)
        lines = [
            "Rank,TeamId,TeamName,LastSubmissionDate,Score,SubmissionCount,TeamMemberUserNames",
            '1,101,"Beta, Inc",2026-11-20 09:30:00,0.98,7,beta',
            "0,900,gender benchmark,2026-11-01 00:00:00,0.765,1,host",
            "2,102,NA,2026-11-19 00:00:00,0.75,50,ann",
        ]
        name = f"{request['competitionName']}-publicleaderboard-2026-11-21T10:00:00.csv"
        table = ("\ufeff" + "\n".join(lines) + "\n").encode()
        self._send(200, zipped({name: table}), "application/zip")

    def _json(self, value, code=200):
        self._send(code, json.dumps(value).encode(), "application/json")

    def _send(self, code, content, kind="text/plain", more=()):
        if self.loses_answer:
            self.loses_answer, self.close_connection = False, True
            return
        self.send_response(code)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(content)), **dict(more)}.items():
            self.send_header(name, value)
        self.end_headers()
        cut, self.kaggle.breaks_off_after = self.kaggle.breaks_off_after, None
        self.wfile.write(content[:cut])
        if cut is not None:
            self.close_connection = True
