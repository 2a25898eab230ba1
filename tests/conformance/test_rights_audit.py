"""Every use is on record before it begins and when it has ended, whatever came of it; nothing is done without."""

import json
import logging
from contextlib import suppress
from pathlib import Path

import pytest

from chat_testing.boto_calls import error, lost, recorded
from chat_testing.builders import context, thread
from chat_testing.killing import Killed, killed_at
from chat_testing.rights import ALICE, BOB, REASON, Place
from chatkit_aws.errors import Held, InvalidId, StoreRefused, StoreUnavailable
from chatkit_aws.rights import Account, DataRights
from chatkit_aws.rights.audit import AuditLog, Use
from chatkit_aws.rights.errors import AlreadyThere, ArchiveExists, InvalidArchive, NotRecorded
from chatkit_aws.rights.records import Record


async def records(place: Place, tenant: str = "tenant-1", since: str = "") -> list[Record]:
    return [record async for page in AuditLog(place.storage).records(tenant, since) for record in page]


async def outcomes(place: Place) -> list[tuple[str, str, str]]:
    return [(record.action, record.outcome, record.detail) for record in await records(place)]


async def test_every_use_has_two_records(place: Place, tmp_path: Path) -> None:
    await place.fill(ALICE)
    exported = await place.rights.export(ALICE, path := tmp_path / "a.zip", "why 1")
    place.clock.now += 1
    await place.rights.import_archive(BOB, path, "why 2")
    place.clock.now += 1
    await place.rights.place_hold(ALICE, "why 3")
    place.clock.now += 1
    await place.rights.lift_hold(ALICE, "why 4")
    place.clock.now += 1
    erased = await DataRights(place.storage, "operator-2").erase(ALICE, "why 5")

    found = await records(place)

    assert [record.outcome for record in found] == ["begun", "done"] * 5
    assert [record.action for record in found[::2]] == ["export", "import", "hold place", "hold lift", "erase"]
    assert [record.reason for record in found[1::2]] == [f"why {number}" for number in range(1, 6)]
    assert [record.user for record in found[::2]] == ["alice", "bob", "alice", "alice", "alice"]
    assert [record.actor for record in found[::2]] == ["operator-1"] * 4 + ["operator-2"]
    assert all(first.use == last.use for first, last in zip(found[::2], found[1::2], strict=True))
    assert len({record.use for record in found}) == 5
    assert [record.at for record in found] == sorted(record.at for record in found)
    assert (found[1].detail, found[3].detail) == (exported.digest, exported.digest)
    assert found[1].counts == exported.counts
    assert found[-1].counts == {"rows": sum(erased.rows.values()), "objects": 4, "left": 0}


async def test_looking_is_on_record(place: Place) -> None:
    await place.rights.hold(ALICE, "why 1")
    place.clock.now += 1  # of one moment, records have no order
    seen = [record async for page in place.rights.audit("tenant-1", reason="why 2") for record in page]

    found = await records(place)

    assert [(record.action, record.outcome) for record in found] == [
        ("hold show", "begun"),
        ("hold show", "done"),
        ("audit", "begun"),
        ("audit", "done"),
    ]
    assert [record.reason for record in found[::2]] == ["why 1", "why 2"]
    assert [record.user for record in found[::2]] == ["alice", ""]
    assert seen == found[:3]
    assert found[3].counts == {"records": 3}


async def test_what_is_refused_is_on_record(place: Place, tmp_path: Path) -> None:
    await place.fill(ALICE)
    await place.rights.export(ALICE, path := tmp_path / "a.zip", REASON)
    await place.rights.place_hold(ALICE, REASON)
    (other := tmp_path / "b.zip").touch()
    for kind, refused in [
        (ArchiveExists, place.rights.export(ALICE, path, REASON)),
        (AlreadyThere, place.rights.import_archive(ALICE, path, REASON)),
        (InvalidArchive, place.rights.import_archive(ALICE, other, REASON)),
        (Held, place.rights.erase(ALICE, REASON)),
    ]:
        place.clock.now += 1
        with pytest.raises(kind):
            await refused

    assert [outcome for outcome in await outcomes(place) if outcome[1] == "refused"] == [
        ("export", "refused", "ArchiveExists"),
        ("import", "refused", "AlreadyThere"),
        ("import", "refused", "InvalidArchive"),
        ("erase", "refused", "Held"),
    ]


async def test_what_fails_is_on_record(place: Place, tmp_path: Path) -> None:
    await place.fill(ALICE)
    with recorded(place.s3, "DeleteObjects", error("AccessDenied", 403)), pytest.raises(StoreRefused):
        await place.rights.erase(ALICE, REASON)
    with pytest.raises(FileNotFoundError):
        await place.rights.import_archive(ALICE, tmp_path / "none.zip", REASON)
    assert {outcome for outcome in await outcomes(place) if outcome[1] != "begun"} == {
        ("erase", "failed", "StoreRefused"),
        ("import", "failed", "FileNotFoundError"),
    }


async def test_what_is_killed_has_no_end_on_record(place: Place) -> None:
    await place.fill(ALICE)
    with killed_at(20, place.dynamodb, is_carried_out=True), suppress(Killed):
        await place.rights.erase(ALICE, REASON)
    assert await outcomes(place) == [("erase", "begun", "")]


async def test_nothing_is_done_that_cannot_be_recorded(place: Place, tmp_path: Path) -> None:
    await place.fill(ALICE)
    await place.rights.export(ALICE, path := tmp_path / "a.zip", REASON)
    rows, objects = place.rows(audit=True), place.objects()
    for using in [
        place.rights.export(ALICE, tmp_path / "b.zip", REASON),
        place.rights.import_archive(BOB, path, REASON),
        place.rights.erase(ALICE, REASON),
        place.rights.place_hold(ALICE, REASON),
        place.rights.lift_hold(ALICE, REASON),
        place.rights.hold(ALICE),
        anext(place.rights.audit("tenant-1")),
    ]:
        refusing = recorded(place.dynamodb, "TransactWriteItems", error("AccessDeniedException"))
        with refusing as calls, pytest.raises(StoreRefused):
            await using
        assert calls.operations == ["TransactWriteItems"]
    assert (place.rows(audit=True), place.objects()) == (rows, objects)
    assert names(tmp_path) == ["a.zip"]


def names(path: Path) -> list[str]:
    return [found.name for found in path.iterdir()]


async def test_end_that_cannot_be_recorded_is_an_error_of_its_own(place: Place) -> None:
    await place.store.save_thread(thread(), context("alice"))

    def begun(request: object) -> None:
        """The first record is written, and the hold."""

    with (
        recorded(place.dynamodb, "TransactWriteItems", begun, begun, error("AccessDeniedException")),
        pytest.raises(NotRecorded),
    ):
        await place.rights.place_hold(ALICE, REASON)
    assert (await place.rights.hold(ALICE)).is_complete


async def test_failure_whose_end_cannot_be_recorded_is_raised_as_it_is(place: Place) -> None:
    await place.fill(ALICE)
    await place.rights.place_hold(ALICE, REASON)

    def begun(request: object) -> None:
        """The first record is written."""

    with (
        recorded(place.dynamodb, "TransactWriteItems", begun, error("AccessDeniedException")),
        pytest.raises(Held),
    ):
        await place.rights.erase(ALICE, REASON)


async def test_record_whose_answer_was_lost_is_written_once(place: Place) -> None:
    with recorded(place.dynamodb, "TransactWriteItems", lost):
        await place.rights.erase(ALICE, REASON)
    assert await outcomes(place) == [("erase", "begun", ""), ("erase", "done", "")]


async def test_no_record_takes_the_place_of_another(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chatkit_aws.rights.audit._new_id", lambda clock: "the same")
    await place.rights.erase(ALICE, REASON)
    before = await records(place)
    with pytest.raises(Exception, match="a condition failed"):
        await place.rights.erase(BOB, REASON)
    assert await records(place) == before


async def test_records_are_listed_by_tenant_and_time(place: Place) -> None:
    for _ in range(3):
        await place.rights.erase(ALICE, REASON)
        await place.rights.erase(Account("tenant-2", "alice"), REASON)
        place.clock.now += 20 * 24 * 60 * 60
    months = [record.at[:7] for record in await records(place)]
    assert months == ["2026-11"] * 2 + ["2026-12"] * 2 + ["2027-01"] * 2
    assert len(await records(place, since="2026-12")) == 2
    assert len(await records(place, "tenant-2", since="2026")) == 4
    assert await records(place, "tenant") == []


async def test_records_come_in_pages(place: Place) -> None:
    log = AuditLog(place.storage)
    for _ in range(12):
        async with log.recorded(Use("erase", "tenant-1", "alice", "operator", "r" * 100_000)):
            place.clock.now += 1
    pages = [len(page) async for page in AuditLog(place.storage).records("tenant-1")]
    assert len(pages) > 1
    assert sum(pages) == 24


async def test_records_and_log_hold_no_text_and_the_log_no_user(
    place: Place, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "chatkit_aws")
    await place.fill(ALICE, "canary")
    await place.rights.export(ALICE, path := tmp_path / "a.zip", REASON)
    await place.rights.import_archive(BOB, path, REASON)
    await place.rights.place_hold(ALICE, REASON)
    with pytest.raises(Held):
        await place.rights.erase(ALICE, REASON)
    await place.rights.lift_hold(ALICE, REASON)
    await place.rights.erase(ALICE, REASON)

    assert "canary" not in json.dumps([record.counts | {"d": record.detail} for record in await records(place)])
    kept = {key: row for key, row in place.rows(audit=True).items() if key[1].startswith("AUD#")}
    assert len(kept) == 12
    assert all("canary" not in str(row) and "expires_at" not in row for row in kept.values())
    lines = [line.getMessage() for line in caplog.records if line.name.startswith("chatkit_aws")]
    assert len([line for line in lines if "data rights" in line]) == 12
    assert all(word not in line for line in lines for word in ("canary", "alice", "bob", "thr_"))


async def test_throttled_operator_is_patient(place: Place) -> None:
    await place.fill(ALICE)
    throttled = [error("ProvisionedThroughputExceededException")] * 5
    with recorded(place.dynamodb, "UpdateItem", *throttled):
        await place.rights.place_hold(ALICE, REASON)
    assert (await place.rights.hold(ALICE)).is_complete


async def test_table_that_cannot_be_reached_is_unavailable(place: Place) -> None:
    with recorded(place.dynamodb, "*", *[error("InternalServerError", 500)] * 1_000):
        place.storage.table._retries = place.storage.table._retries.__class__(attempts=2)
        with pytest.raises(StoreUnavailable):
            await place.rights.erase(ALICE, REASON)


@pytest.mark.parametrize("account", [Account("tenant-1", ""), Account("", "alice"), Account("t", "a" * 600)])
async def test_names_that_cannot_be_are_refused_without_a_record(place: Place, account: Account) -> None:
    with pytest.raises(InvalidId):
        await place.rights.erase(account, REASON)
    assert place.rows(audit=True) == {}
