"""What a path leads to: a model, or a report that was saved."""

import gzip
import threading
import zlib
from pathlib import Path

from trtlab.core.errors import TrtlabError
from trtlab.report.codec import load
from trtlab.report.records import Report
from trtlab.session.job import Job
from trtlab.session.requests import JobEvent

_GZIP_MAGIC = b"\x1f\x8b"
_JSON = b"{"
_ENDINGS = (".json", ".json.gz")


def is_report(source: str) -> bool:
    """Whether a file is to be read as a report: by its name, or by how it begins."""
    path = Path(source)
    try:
        if not path.is_file():
            return False
        return path.name.lower().endswith(_ENDINGS) or _first_byte(path) == _JSON
    except (OSError, EOFError, zlib.error):
        return False  # whoever opens it says what is wrong


def _first_byte(path: Path) -> bytes:
    """Of the text, without blanks before it."""
    with path.open("rb") as file:
        packed = file.read(len(_GZIP_MAGIC)) == _GZIP_MAGIC
    with gzip.open(path) if packed else path.open("rb") as file:
        return file.read(64).lstrip()[:1]


def read_report(path: Path) -> Job[Report]:
    """Read a report in a thread of its own; it is too quick to be stopped."""
    job: Job[Report] = Job(lambda: None)
    job.tell(JobEvent("running", "Reading report", message=str(path)))

    def work() -> None:
        try:
            job.finish(load(path))
        except TrtlabError as error:
            job.finish(error)

    threading.Thread(target=work, name="trtlab-report", daemon=True).start()
    return job
