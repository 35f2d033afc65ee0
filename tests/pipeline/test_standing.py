"""What a workspace holds: nothing at first, then what was published last."""

from datetime import UTC, datetime
from pathlib import Path

from retail_forecast.clouds.journal import Journal
from retail_forecast.clouds.opening import open_store
from retail_forecast.lake.state import LakeState, LakeStates, WeekAccount
from retail_forecast.pipeline.standing import champions_in_force, lake_in_force
from retail_forecast.pipeline.workspace import lake_path

NOON = datetime(2008, 7, 7, 12, tzinfo=UTC)


def test_an_empty_workspace_stays_as_it_was(tmp_path: Path) -> None:
    workspace = tmp_path / "not-yet"
    assert lake_in_force(workspace) is None
    assert champions_in_force(workspace) == {}
    assert not workspace.exists()


def test_the_newest_lake_state(tmp_path: Path) -> None:
    weeks = {200801: WeekAccount(("a",), 20, 1, 5), 200752: WeekAccount(("b",), 10, 2, 3)}
    states = LakeStates(lake_path(tmp_path))
    states.publish(LakeState(1, {"gold": 1}, {}, {}, NOON))
    states.publish(LakeState(2, {"gold": 3}, weeks, {}, NOON))
    assert lake_in_force(tmp_path) == {
        "state": 2,
        "written_at": "2008-07-07T12:00:00+00:00",
        "tables": {"gold": 3},
        "weeks": 2,
        "first_week": 200752,
        "last_week": 200801,
        "baskets": 8,
        "rows_quarantined": 3,
    }


def test_the_champion(tmp_path: Path) -> None:
    entry = {"version": 1, "task": "basket", "run_id": "r", "bundle_digest": "d", "action": "promote", "who": "me"}
    more: dict[str, object] = {"when": "2008-07-07T12:00:00Z", "why": "first", "previous": None, "decision": {}}
    Journal(open_store(tmp_path), "registry/champions/basket").add(1, entry | more)
    assert champions_in_force(tmp_path) == {
        "basket": {"version": 1, "run_id": "r", "when": "2008-07-07T12:00:00+00:00", "who": "me"}
    }
