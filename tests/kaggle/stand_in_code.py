"""What the stand-in for Kaggle does with data sets and kernels: it keeps versions, and runs notebooks with their sources."""

import io
import json
import os
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass, field
from pathlib import Path


class Refused(Exception):
    """A refusal, with its HTTP code."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code, self.message = code, message


@dataclass
class Upload:
    """A file that is being uploaded, as far as it has come."""

    name: str
    size: int
    content: bytes = b""
    requests: int = 0


@dataclass
class DataSet:
    """A data set: the files of each version, what it was made with, and how many more downloads of it are damaged on the way."""

    made_with: dict
    versions: list[dict[str, bytes]] = field(default_factory=list)
    damaged: int = 0


@dataclass
class Run:
    """A version of a kernel: what was pushed, what its run wrote and said, and how it goes, look by look."""

    pushed: dict
    course: list[str]
    output: dict[str, bytes] = field(default_factory=dict)
    log: str = ""


@dataclass
class Workshop:
    """The data sets and kernels of the user, and how the service behaves at present.

    The lists are what the next looks find: `processing` of a new version of a data set, `course` of a kernel before it ends.
    """

    folder: Path
    data_sets: dict[str, DataSet] = field(default_factory=dict)
    kernels: dict[str, list[Run]] = field(default_factory=dict)
    uploads: dict[str, Upload] = field(default_factory=dict)
    processing: list[str] = field(default_factory=list)
    course: list[str] = field(default_factory=list)
    broken_uploads: int = 0
    push_error: str = ""
    taken_titles: set[str] = field(default_factory=set)
    unusable: set[str] = field(default_factory=set)
    gpu_seconds: int = 90_000
    mounts_by_kind: bool = True


class CodeMethods:
    """The methods of the services blobs, datasets and kernels, for the handler of the stand-in."""

    @property
    def workshop(self):
        return self.kaggle.workshop

    def _StartBlobUpload(self, request):
        token = f"file-{len(self.workshop.uploads)}"
        self.workshop.uploads[token] = Upload(request["name"], request["contentLength"])
        self._json({"token": token, "createUrl": f"http://localhost/upload/{token}"})

    def put_file(self, token, body):
        """Take a file's bytes, or answer how many are there; a connection that breaks off leaves half of what was sent."""
        upload, span = self.workshop.uploads[token], self.headers.get("Content-Range", "")
        upload.requests += 1
        if not span.startswith("bytes */"):
            start = int(span.removeprefix("bytes ").partition("-")[0]) if span else 0
            assert start in (0, len(upload.content))
            breaks_off = self.workshop.broken_uploads > 0
            self.workshop.broken_uploads -= breaks_off
            upload.content = upload.content[:start] + (body[: len(body) // 2] if breaks_off else body)
            if breaks_off:
                return self._send(503, b"")
        if len(upload.content) == upload.size:
            return self._send(200, b"")
        there = {"Range": f"bytes=0-{len(upload.content) - 1}"} if upload.content else {}
        return self._send(308, b"", more=there)

    def _files(self, request):
        """The files of a new version, with zips unpacked into folders as Kaggle does."""
        files = {}
        for entry in request["files"]:
            upload = self.workshop.uploads[entry["token"]]
            assert len(upload.content) == upload.size
            if upload.name.endswith(".zip"):
                with zipfile.ZipFile(io.BytesIO(upload.content)) as archive:
                    files |= {f"{upload.name[:-4]}/{name}": archive.read(name) for name in archive.namelist()}
            else:
                files[upload.name] = upload.content
        return files

    def _CreateDataset(self, request):
        ref = f"{request['ownerSlug']}/{request['slug']}"
        if request["title"] in self.workshop.taken_titles or ref in self.workshop.data_sets:
            error = f'The requested title "{request["title"]}" is already in use by a dataset. Please choose another title.'
            return self._json({"status": "error", "error": error})
        assert 6 <= len(request["title"]) <= 50
        self.workshop.data_sets[ref] = DataSet(request, [self._files(request)])
        return self._json({"ref": f"/{ref}", "status": "ok", "error": ""})

    def _CreateDatasetVersion(self, request):
        found = self._data_set(request)
        found.versions.append(self._files(request["body"]))
        self._json({"ref": f"/{request['ownerSlug']}/{request['datasetSlug']}", "status": "ok", "error": ""})

    def _GetDataset(self, request):
        found = self._data_set(request)
        self._json({"currentVersionNumber": len(found.versions), "subtitle": found.made_with.get("subtitle", "")})

    def _GetDatasetStatus(self, request):
        self._data_set(request)
        self._json({"status": self.workshop.processing.pop(0) if self.workshop.processing else "READY"})

    def _DownloadDataset(self, request):
        """Leads to storage, as a competition's files do."""
        self._data_set(request)
        self.lead_to(f"data-sets/{request['ownerSlug']}/{request['datasetSlug']}/{request['datasetVersionNumber']}/archive.zip")

    def data_set_archive(self, owner, slug, version):
        found, buffer = self.workshop.data_sets[f"{owner}/{slug}"], io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            for name, content in found.versions[int(version) - 1].items():
                archive.writestr(name, content)
        content = bytearray(buffer.getvalue())
        if found.damaged:
            found.damaged -= 1
            content[len(content) // 3] ^= 255
        return bytes(content)

    def _data_set(self, request):
        found = self.workshop.data_sets.get(f"{request['ownerSlug']}/{request['datasetSlug']}")
        if found is None:
            raise Refused(403, "Permission 'datasets.get' was denied")
        return found

    def _SaveKernel(self, request):
        if self.workshop.push_error:
            return self._json({"error": self.workshop.push_error})
        owner, slug = request["slug"].split("/")
        assert slug == request["newTitle"] and len(slug) >= 5
        sources = request["datasetDataSources"]
        invalid = [ref for ref in sources if ref in self.workshop.unusable]
        run = Run(request, [*self.workshop.course])
        self.workshop.kernels.setdefault(request["slug"], []).append(run)
        self._execute(run)
        number = len(self.workshop.kernels[request["slug"]])
        return self._json({"ref": f"/code/{owner}/{slug}", "versionNumber": number, "invalidDatasetSources": invalid})

    def _execute(self, run):
        """Run a notebook as Kaggle would, with its sources mounted below a folder in place of /kaggle/input."""
        shutil.rmtree(self.workshop.folder, ignore_errors=True)
        work, mounted = self.workshop.folder / "working", self.workshop.folder / "input"
        by_kind = self.workshop.mounts_by_kind
        work.mkdir(parents=True)
        for ref in sorted(set(run.pushed["datasetDataSources"]) - self.workshop.unusable):
            place = mounted / ("datasets/" + ref if by_kind else ref.split("/")[1])
            _lay(place, self.workshop.data_sets[ref].versions[-1])
        for slug in run.pushed["competitionDataSources"]:
            _lay(mounted / ("competitions/" + slug if by_kind else slug), self.kaggle.contests[slug].files)
        cells = json.loads(run.pushed["text"])["cells"]
        code = "\n".join(cell["source"] for cell in cells if cell["cell_type"] == "code")
        command = [sys.executable, "-c", code.replace("/kaggle/input", str(mounted))]
        env = {name: value for name, value in os.environ.items() if not name.startswith(("GOLDFOLD", "COVERAGE"))}
        done = subprocess.run(command, cwd=work, env=env, capture_output=True, text=True, check=False)
        run.course.append("ERROR" if done.returncode else "COMPLETE")
        run.output = {path.name: path.read_bytes() for path in work.iterdir()}
        said = (("stdout", done.stdout), ("stderr", done.stderr), ("stderr", "[NbConvertApp] Writing 500 bytes\n"))
        run.log = json.dumps([{"stream_name": name, "time": 1.0, "data": data} for name, data in said])

    def _GetKernel(self, request):
        runs = self._runs(request)
        newest = {"currentVersionNumber": len(runs), "ref": f"{request['userName']}/{request['kernelSlug']}"}
        self._json({"metadata": newest, "blob": {"source": runs[-1].pushed["text"]}})

    def _GetKernelSessionStatus(self, request):
        run = self._of_version(request)
        status = run.course.pop(0) if len(run.course) > 1 else run.course[0]
        self._json({"status": status, **({"failureMessage": "Notebook Threw Exception"} if status == "ERROR" else {})})

    def _ListKernelSessionOutput(self, request):
        """One file a page."""
        run, page = self._of_version(request), int(request.get("pageToken") or 0)
        place = f"http://localhost/output/{request['userName']}/{request['kernelSlug']}/{request['versionLabel']}"
        files = [{"fileName": name, "url": f"{place}/{name}"} for name in sorted(run.output)]
        more = str(page + 1) if page + 1 < len(files) else ""
        self._json({"files": files[page : page + 1], "log": run.log, "nextPageToken": more})

    def output_file(self, owner, slug, label, name):
        return self._of_version({"userName": owner, "kernelSlug": slug, "versionLabel": label}).output[name]

    def _GetAcceleratorQuotaStatistics(self, _):
        used = f"{108_000 - self.workshop.gpu_seconds}s"
        self._json({"gpuQuota": {"timeUsed": used, "totalTimeAllowed": "108000s"}} if self.workshop.gpu_seconds else {})

    def _CreateCodeSubmission(self, request):
        contest = self._contest(request)
        if f"{request['kernelOwner']}/{request['kernelSlug']}" not in self.workshop.kernels:
            raise Refused(404, "Not found")
        run = self._of_version({**request, "userName": request["kernelOwner"], "versionLabel": f"v{request['kernelVersion']}"})
        if request["fileName"] not in run.output or run.course != ["COMPLETE"]:
            raise Refused(400, "Could not find provided notebook output")
        self._submitted(contest, request, len(run.output[request["fileName"]]))

    def _runs(self, request):
        runs = self.workshop.kernels.get(f"{request['userName']}/{request['kernelSlug']}")
        if not runs:
            raise Refused(403, "Permission 'kernels.get' was denied")
        return runs

    def _of_version(self, request):
        label = request.get("versionLabel") or ""
        runs = self._runs(request)
        if label and not label.startswith("v"):
            raise Refused(404, "Not found")
        return runs[int(label[1:]) - 1] if label else runs[-1]


def _lay(place, files):
    for name, content in files.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_bytes(content)
