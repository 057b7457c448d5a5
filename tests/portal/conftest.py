"""A facility of this machine with a catalogue of made-up records, some of them ill."""

import hashlib
from datetime import UTC, datetime, timedelta

import pytest
from PIL import Image

from xpcs_nb.catalog import DataCite, File, Record
from xpcs_nb.flows import connect
from xpcs_nb.testing import simulate_measurement

HOSTILE = '<img src=x onerror="window.hurt=1"><script>window.hurt=1</script>'


@pytest.fixture(autouse=True)
def own_settings(tmp_path, monkeypatch):
    """No test reads or writes the settings of whoever runs it."""
    monkeypatch.setenv("XPCS_NB_CONFIG", str(tmp_path / "config"))
    return tmp_path / "config"


@pytest.fixture(scope="session")
def facility(tmp_path_factory):
    with connect(home=tmp_path_factory.mktemp("home"), workers=1, detached=False) as facility:
        facility.services.catalogue.ingest_many(made_up(tmp_path_factory.mktemp("published")))
        yield facility


@pytest.fixture(scope="session")
def empty_facility(tmp_path_factory):
    with connect(home=tmp_path_factory.mktemp("empty"), workers=1, detached=False) as facility:
        yield facility


@pytest.fixture(scope="session")
def processed(tmp_path_factory):
    """A facility of its own with two datasets that were processed there, and their measurements."""
    with connect(home=tmp_path_factory.mktemp("real"), workers=1, detached=False) as facility:
        folder = tmp_path_factory.mktemp("raw")
        measured = [
            simulate_measurement(
                folder / name, shape=(64, 64), n_frames=100, n_dynamic=3, n_static=6, seed=seed, name=name
            )
            for seed, name in enumerate(("A001_first", "A002_second"))
        ]
        for each in measured:
            facility.process(each.raw, each.qmap, experiment="lab2026").wait(120, progress=False)
        yield facility, measured


def made_up(folder):
    """Yield 60 records with pictures and logs, and five that are ill."""
    begin = datetime(2026, 3, 1, 8, tzinfo=UTC)
    for number in range(60):
        sample = ("aerogel", "latex", "protein")[number % 3]
        dataset = f"A{number:03d}_{sample}"
        yield Record(
            subject=f"file://{folder}/{dataset}",
            title=f"{sample} at {290 + number} K",
            dataset=dataset,
            created=begin + timedelta(hours=number),
            start_time=begin + timedelta(hours=number),
            datacite=DataCite(creators=("Ada", "Bo")[number % 2 :][:1]),
            files=files_of(folder, dataset, number),
            metadata={
                "sample": sample,
                "cycle": f"2026-{1 + number // 30}",
                "temperature": 290.0 + number,
                "status": "complete",
                "trust": ("ok", "warning", "bad")[number % 3],
                "trust_warning_names": ["statistics"] if number % 3 else [],
                "options": {"type": "multitau"},
                **({"origin": {"subject": f"file://{folder}/A{number - 1:03d}_aerogel"}} if number % 3 == 1 else {}),
            },
        )
    yield from ill(folder)


def files_of(folder, dataset, number):
    picture = folder / dataset / "saxs_2d.png"
    picture.parent.mkdir()
    Image.new("RGB", (640, 480), (number * 4, 90, 120)).save(picture)
    log = folder / dataset / "correlate.log"
    log.write_text(f"correlated {dataset}\n{HOSTILE}\n")
    return tuple(
        File(
            url=str(path),
            size=path.stat().st_size,
            sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
            mime_type=kind,
        )
        for path, kind in ((picture, "image/png"), (log, "text/plain"))
    )


def ill(folder):
    """Yield what other people's records can be."""
    common = {"created": datetime(2026, 1, 1, tzinfo=UTC)}
    yield Record(
        subject="file:///hostile",
        title=HOSTILE,
        dataset=HOSTILE,
        datacite=DataCite(creators=(HOSTILE,), description=HOSTILE),
        files=(
            File(url="https://example.org/a.png", https_url="javascript:window.hurt=1"),
            File(url="/etc/hostname.png", https_url="https://example.org/b.png"),
        ),
        metadata={HOSTILE: HOSTILE, "sample": HOSTILE, "trust": HOSTILE},
        **common,
    )
    yield Record(
        subject="file:///gone",
        title="its files are gone",
        dataset="gone",
        files=(File(url=str(folder / "gone_results.hdf")), File(url=str(folder / "saxs_2d.png"), size=10)),
        **common,
    )
    (folder / "broken.png").write_bytes(b"no picture")
    yield Record(
        subject="file:///broken",
        title="its picture is broken",
        dataset="broken",
        files=(File(url=str(folder / "broken.png")),),
        **common,
    )
    yield Record(subject="file:///bare", title="nothing but a name", dataset="bare", metadata={}, **common)
    yield Record(
        subject="file:///secret",
        title="for a group",
        dataset="secret",
        visible_to=("urn:globus:groups:id:g1",),
        **common,
    )
