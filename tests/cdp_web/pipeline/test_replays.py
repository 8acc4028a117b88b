"""A replay from the site: dry run, result, replay, with a stand-in for Airflow; and a stopped night that an administrator runs
again."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from cdp.programs import PUBLISH_DAG, REPLAY_DAG
from cdp_web.accounts.roles import Role
from cdp_web.accounts.services import user_set_role
from cdp_web.pipeline.models import Replay
from cdp_web.pipeline.replay_form import REPAIRS
from cdp_web.serving import airflow
from cdp_web.serving.airflow import AirflowUnavailable, DagRun
from tests.cdp_web import factories
from tests.cdp_web.factories import check

pytestmark = [pytest.mark.stack("postgres"), pytest.mark.django_db]

GROUP = {"reason": "bad_type", "field": "event_type", "selected": 7, "passing": 5}
REMAINING = {"reason": "bad_price", "field": "price", "count": 2}
RESULT = {"waiting": 10, "selected": 7, "passing": 5, "groups": [GROUP], "remaining": [REMAINING]}
FORM = {"reasons": "bad_type", "form-TOTAL_FORMS": str(REPAIRS), "form-INITIAL_FORMS": "0"}
NEXT_DAY = date(2019, 12, 1)


class FakeAirflow:
    def __init__(self) -> None:
        self.started: list[tuple[str, str, dict[str, Any]]] = []
        self.run = DagRun("queued", None, None)
        self.result: Any = None
        self.is_away = False

    def start(self, dag: str, dag_run_id: str, conf: dict[str, Any]) -> bool:
        if self.is_away:
            raise AirflowUnavailable("Airflow does not answer")
        if any(dag_run_id == each[1] for each in self.started):
            return False
        self.started.append((dag, dag_run_id, conf))
        return True

    def end(self, state: str, result: Any = None) -> None:
        ended = datetime.now(UTC)
        self.run, self.result = DagRun(state, ended - timedelta(seconds=30), ended), result


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeAirflow:
    fake = FakeAirflow()
    monkeypatch.setattr(airflow, "dag_run_start", fake.start)
    monkeypatch.setattr(airflow, "dag_run_get", lambda *_: fake.run)
    monkeypatch.setattr(airflow, "task_result_get", lambda *_: fake.result)
    return fake


@pytest.fixture
def admin(db: None) -> Client:
    user = User.objects.create_user("anna")
    user_set_role(user=user, role=Role.ADMIN)
    client = Client()
    client.force_login(user)
    return client


def start_dry_run(admin: Client) -> Replay:
    answer = admin.post("/pipeline/replays/new", FORM)
    replay = Replay.objects.latest("pk")
    assert (answer.status_code, answer["Location"]) == (302, f"/pipeline/replays/{replay.pk}")
    return replay


def test_a_replay_follows_its_dry_run(admin: Client, fake: FakeAirflow) -> None:
    dry_run = start_dry_run(admin)
    assert fake.started == [(REPLAY_DAG, dry_run.dag_run_id, {"options": ["--reason", "bad_type", "--dry-run"]})]
    assert b"hx-get" in admin.get(f"/pipeline/replays/{dry_run.pk}/result").content
    assert admin.post(f"/pipeline/replays/{dry_run.pk}/start").status_code == 302
    assert len(fake.started) == 1  # the dry run has not ended
    fake.end("success", RESULT)
    page = admin.get(f"/pipeline/replays/{dry_run.pk}").content.decode()
    assert "Replay 5 messages" in page
    dry_run.refresh_from_db()
    assert (dry_run.status, dry_run.result, dry_run.requested_by.username) == ("done", RESULT, "anna")
    admin.post(f"/pipeline/replays/{dry_run.pk}/start")
    replay = Replay.objects.latest("pk")
    assert (replay.is_dry_run, replay.options) == (False, ["--reason", "bad_type"])
    assert fake.started[1:] == [(REPLAY_DAG, replay.dag_run_id, {"options": ["--reason", "bad_type"]})]
    assert admin.get("/pipeline/replays").content.count(b"--reason bad_type") == 2


@pytest.mark.parametrize(
    ("state", "result", "age", "status"),
    [("success", RESULT | {"passing": 0}, 0, "done"), ("success", RESULT, 61, "done"), ("success", None, 0, "failed"),
     ("failed", None, 0, "failed")],
)  # fmt: skip
def test_no_replay_after_a_dry_run_that_shows_nothing(
    admin: Client, fake: FakeAirflow, state: str, result: Any, age: int, status: str
) -> None:
    dry_run = start_dry_run(admin)
    fake.end(state, result)
    admin.get(f"/pipeline/replays/{dry_run.pk}")
    dry_run.refresh_from_db()
    assert dry_run.status == status
    assert dry_run.finished_at
    Replay.objects.update(finished_at=dry_run.finished_at - timedelta(minutes=age))
    admin.post(f"/pipeline/replays/{dry_run.pk}/start")
    assert len(fake.started) == 1


def test_without_airflow_nothing_is_recorded(admin: Client, fake: FakeAirflow) -> None:
    fake.is_away = True
    assert admin.post("/pipeline/replays/new", FORM).status_code == 503
    assert not Replay.objects.exists()


def test_only_administrators_replay(site: Client, fake: FakeAirflow) -> None:
    replay = Replay.objects.create(options=[], is_dry_run=True)
    for page in ("replays", "replays/new", f"replays/{replay.pk}", f"replays/{replay.pk}/result"):
        assert site.get(f"/pipeline/{page}").status_code == 403
    assert site.post("/pipeline/replays/new", FORM).status_code == 403
    assert site.post(f"/pipeline/replays/{replay.pk}/start").status_code == 403
    assert fake.started == []


def test_an_administrator_accepts_a_failed_check(admin: Client, fake: FakeAirflow, site: Client, publish: Any) -> None:
    publish([])
    factories.night_run(1)
    factories.night_run(2, NEXT_DAY, "failed", checks=[check("money"), check("volume", "failed")], step="gate")
    assert 'name="accept" value="volume"' in admin.get("/nights/2").content.decode()
    assert 'name="accept"' not in site.get("/nights/2").content.decode()
    assert site.post("/nights/2/again", {"accept": "volume", "why": "so"}).status_code == 403
    for wrong in ({"accept": "volume", "why": " "}, {"accept": "money", "why": "so"}):
        admin.post("/nights/2/again", wrong)
    admin.post("/nights/1/again", {})  # an earlier night
    assert fake.started == []
    admin.post("/nights/2/again", {"accept": "volume", "why": " a  holiday "})
    ((dag, _, conf),) = fake.started
    assert (dag, conf) == (PUBLISH_DAG, {"day": "2019-12-01", "accept": ["volume"], "why": "a holiday", "who": "anna"})


def test_the_result_of_a_task_is_read_through_both_layers_of_json() -> None:
    class Client:
        def __init__(self, value: Any) -> None:
            self.value = value

        def get(self, path: str) -> Any:
            return self

        def raise_for_status(self) -> Any:
            return self

        def json(self) -> Any:
            return {"value": self.value}

        def __enter__(self) -> Any:
            return self

        def __exit__(self, *_: object) -> None:
            pass

    for value, result in (
        (json.dumps(RESULT), RESULT), (json.dumps(json.dumps(RESULT)), RESULT), (RESULT, RESULT), ("spark said no", None),
    ):  # fmt: skip
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(airflow, "open_client", lambda value=value: Client(value))
            assert airflow.task_result_get("replay", "run", "replay") == result
