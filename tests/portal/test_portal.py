"""The portal without a screen: what a user finds, sees and selects."""

import pytest

from tests.portal.conftest import HOSTILE
from xpcs_nb.errors import CorruptDataError, FacilityError, MissingFileError, MissingKeyError, OptionError
from xpcs_nb.widgets._portal import Portal
from xpcs_nb.widgets._portal_page import link_of
from xpcs_nb.widgets._portal_query import Query


@pytest.fixture
def portal(facility):
    return Portal(facility)


def subject_of(portal, text):
    return portal.page({"text": text})["rows"][0]["subject"]


class TestSearch:
    def test_a_page_has_rows_counts_and_where_it_is(self, portal):
        page = portal.page({"text": '"aerogel at"', "size": 8, "sort": "-start_time", "page": 1})
        assert (page["total"], page["page"], page["pages"], page["offset"]) == (20, 1, 3, 8)
        assert [row["dataset"] for row in page["rows"]][:2] == ["A033_aerogel", "A030_aerogel"]
        assert page["facets"]["cycle"] == [{"value": "2026-1", "count": 10}, {"value": "2026-2", "count": 10}]
        assert page["rows"][0]["columns"] == {
            "sample": "aerogel", "temperature": 323.0, "cycle": "2026-2", "analysis_type": None
        }  # fmt: skip

    def test_values_of_a_chosen_facet_stay_to_be_chosen(self, portal):
        page = portal.page({"conditions": {"sample": {"values": ["latex"]}, "cycle": {"values": ["2026-1"]}}})
        assert page["total"] == 10
        counted = {row["value"]: row["count"] for row in page["facets"]["sample"]}
        assert counted == {"aerogel": 10, "latex": 10, "protein": 10}

    def test_a_chosen_value_that_nothing_has_any_more_is_still_listed(self, portal):
        page = portal.page({"conditions": {"sample": {"values": ["sand"]}}})
        assert page["total"] == 0
        assert {"value": "sand", "count": None} in page["facets"]["sample"]

    def test_ranges_of_numbers_and_days(self, portal):
        page = portal.page({"conditions": {"temperature": {"low": 300, "high": 304.5}}})
        assert page["total"] == 5
        assert "temperature" not in page["facets"]
        page = portal.page({"conditions": {"start_time": {"low": "2026-03-02", "high": "2026-03-02"}}})
        assert page["total"] == 24
        assert page["facets"]["start_time:day"] == [{"value": "2026-03-02", "count": 24}]

    def test_any_key_can_be_a_facet(self, portal):
        assert "temperature" in portal.keys()
        page = portal.page({"conditions": {"temperature": {"values": [290.0]}}}, facets=["options.type"])
        assert page["facets"]["options.type"] == [{"value": "multitau", "count": 1}]
        assert {"value": 290.0, "count": 1} in page["facets"]["temperature"]
        assert len(portal.facet({}, "temperature", 100)) == 60

    def test_beyond_the_last_page_is_the_last_page(self, portal):
        page = portal.page({"text": '"aerogel at"', "size": 8, "page": 9})
        assert page["page"] == 2
        assert len(page["rows"]) == 4
        assert Query(size=24, page=500).last_page(1_000_000) == 415

    def test_no_hits_and_an_empty_catalogue(self, portal, empty_facility):
        assert portal.page({"text": "nowhere"})["rows"] == []
        empty = Portal(empty_facility)
        assert empty.start()["keys"] == []
        page = empty.page()
        assert (page["total"], page["rows"], page["pages"]) == (0, [], 1)

    @pytest.mark.parametrize(
        "query",
        [
            {"size": 0},
            {"page": -1},
            {"size": 100_000},
            {"nonsense": 1},
            {"conditions": {"sample": ["gel"]}},
            {"conditions": {"sample": {"values": [{}]}}},
            {"conditions": {"no_such_key": {"values": ["gel"]}}},
            {"sort": "no_such_key"},
        ],
    )
    def test_what_can_not_be_asked_is_refused(self, portal, query):
        with pytest.raises(OptionError):
            portal.page(query)

    def test_only_what_a_group_may_see(self, facility):
        everybody = Portal(facility, as_seen_by=[])
        assert everybody.page({"text": "group"})["total"] == 0
        with pytest.raises(MissingKeyError):
            everybody.detail("file:///secret")
        assert Portal(facility, as_seen_by=["urn:globus:groups:id:g1"]).detail("file:///secret")["dataset"] == "secret"


class TestRecord:
    def test_detail(self, portal):
        detail = portal.detail(subject_of(portal, "A003_aerogel"))
        assert detail["summary"][0]["rows"][0] == {"key": "dataset", "value": "A003_aerogel", "unit": ""}
        assert [group["label"] for group in detail["pictures"]] == ["Structure"]
        assert [file["name"] for file in detail["logs"]] == ["correlate.log"]
        assert {"key": "options.type", "value": "multitau"} in detail["metadata"]
        assert detail["trust"] == {"verdict": "ok", "warnings": None, "notes": None}
        assert not detail["has_result"]

    def test_pictures_logs_and_pieces(self, portal):
        subject = subject_of(portal, "A004_latex")
        detail = portal.detail(subject)
        kind, content = portal.picture(subject, detail["pictures"][0]["files"][0]["url"])
        assert kind == "image/png"
        assert content.startswith(b"\x89PNG")
        log = detail["logs"][0]
        assert portal.text(subject, log["url"]).startswith("correlated A004_latex")
        piece, size = portal.piece(subject, log["url"], 11)
        assert piece.startswith(b"A004_latex")
        assert size == log["size"]

    def test_thumbnails_are_small_and_made_once(self, portal, monkeypatch):
        subjects = [subject_of(portal, name) for name in ("A005", "A006")]
        first = portal.thumbnails(subjects)
        assert all(each[:4] == b"RIFF" and len(each) < 3000 for each in first)
        monkeypatch.setattr("xpcs_nb.widgets._portal_files._small", None)
        assert Portal(portal.facility).thumbnails(subjects) == first

    def test_history_both_ways(self, portal):
        subject = subject_of(portal, "A004_latex")
        history = portal.history(subject)
        assert [row["dataset"] for row in history["origins"]] == ["A003_aerogel"]
        history = portal.history(history["origins"][0]["subject"])
        assert [row["dataset"] for row in history["made_from_it"]] == ["A004_latex"]
        assert portal.history("file:///bare") == {"origins": [], "made_from_it": [], "runs": []}

    def test_save_copies_below_the_name_of_the_dataset(self, portal, tmp_path):
        subjects = [subject_of(portal, name) for name in ("A005", "A006")]
        saved = portal.save(subjects, str(tmp_path), ["*.log"])
        assert [path.removeprefix(str(tmp_path)) for path in saved] == [
            "/A005_protein/correlate.log",
            "/A006_aerogel/correlate.log",
        ]
        with pytest.raises(OptionError, match="name of a file"):
            portal.save(["file:///hostile"], str(tmp_path), [])

    def test_selection_keeps_order_and_has_no_doubles(self, portal):
        assert portal.select(["b", "a", "b"]) == ["b", "a"]


class TestIll:
    def test_pictures_that_can_not_be_had_are_none(self, portal):
        ill = ["file:///gone", "file:///broken", "file:///bare", "file:///hostile", "file:///nobody"]
        assert portal.thumbnails(ill) == [None] * 5

    def test_a_file_that_is_gone_says_so(self, portal):
        detail = portal.detail("file:///gone")
        with pytest.raises(MissingFileError, match=r"saxs_2d\.png"):
            portal.picture("file:///gone", detail["pictures"][0]["files"][0]["url"])
        with pytest.raises(MissingKeyError, match="no such file"):
            portal.picture("file:///gone", "/etc/passwd")

    def test_a_picture_that_is_none_is_an_error(self, portal):
        record = portal.record("file:///broken")
        with pytest.raises(CorruptDataError, match="no picture"):
            portal.files.thumbnail(record, record.files[0], 64)

    def test_a_record_does_not_make_this_machine_ask_the_web(self, portal):
        record = portal.record("file:///hostile")
        with pytest.raises(FacilityError, match="not read"):
            portal.files.path(record, record.files[0])

    def test_links_are_of_safe_kinds(self, portal):
        links = [link_of(file) for file in portal.record("file:///hostile").files]
        assert links == ["https://example.org/a.png", "https://example.org/b.png"]
        bare = portal.record("file:///hostile").files[0].model_copy(update={"url": "data:text/html,x"})
        assert link_of(bare) is None

    def test_hostile_text_comes_as_text(self, portal):
        row = portal.page({"text": "onerror"})["rows"][0]
        assert row["title"] == HOSTILE
        assert {"key": HOSTILE, "value": HOSTILE} in portal.detail("file:///hostile")["metadata"]


def test_a_site_elsewhere_gives_no_files_of_this_machine(facility, tmp_path):
    from xpcs_nb.widgets._portal_files import RecordFiles

    record = facility.catalog.get("file:///hostile")
    with pytest.raises(FacilityError):
        RecordFiles(tmp_path, local=False).path(record, record.files[1])


class TestSettings:
    def test_a_user_changes_what_is_shown(self, facility, own_settings):
        own_settings.mkdir()
        (own_settings / "portal.toml").write_text('[list]\ncolumns = ["trust"]\n')
        (own_settings / "portal-local.toml").write_text('[[facets]]\nkey = "sample"\nlabel = "Stuff"\n')
        page = Portal(facility, {"list": {"page_size": 3}}).page()
        assert list(page["facets"]) == ["sample"]
        assert len(page["rows"]) == 3
        assert list(page["rows"][0]["columns"]) == ["trust"]

    @pytest.mark.parametrize(
        "text", ["[list]\npage_size = 0", "facet = 1", "[[facets]]\nlabel='x'", "not toml", "[list]\nview='rows'"]
    )
    def test_settings_that_can_not_be_used_say_where(self, facility, own_settings, text):
        own_settings.mkdir()
        (own_settings / "portal.toml").write_text(text)
        with pytest.raises(OptionError, match=r"portal\.toml"):
            Portal(facility)

    def test_what_was_chosen_is_kept(self, facility):
        Portal(facility).choices.keep({"view": "table"})
        Portal(facility).choices.keep({"hidden": ["g2.png"]})
        assert Portal(facility).start()["choices"] == {"view": "table", "hidden": ["g2.png"]}
