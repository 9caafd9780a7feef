"""The templates for clusters and services: valid by their own schemas, and true to our commands."""

import runpy
import subprocess
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from typer.main import get_command

from klarify_xl.cli import app

DEPLOY = Path(__file__).parents[1] / "scripts" / "deploy"
CRON_JOB = DEPLOY / "kubernetes-cronjob.yaml"
WORKFLOW = DEPLOY / "github-actions.yml"


def refresh_options() -> set[str]:
    command: Any = get_command(app)
    return {option for one in command.commands["refresh"].params for option in one.opts}


def cron_job() -> dict[str, Any]:
    return next(
        one for one in yaml.safe_load_all(CRON_JOB.read_text("utf-8")) if one["kind"] == "CronJob"
    )


def test_kubernetes_takes_the_cron_job() -> None:
    for resource in yaml.safe_load_all(CRON_JOB.read_text("utf-8")):
        kubernetes_validate.validate(resource, "1.31", strict=True)


def test_the_cron_job_is_careful() -> None:
    spec = cron_job()["spec"]
    pod = spec["jobTemplate"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert spec["concurrencyPolicy"] == "Forbid"
    assert pod["securityContext"]["runAsNonRoot"]
    assert container["securityContext"]["readOnlyRootFilesystem"]
    (key,) = [one for one in container["env"] if one["name"] == "KLARIFY_API_KEY"]
    assert key["valueFrom"]["secretKeyRef"]
    assert "value" not in key
    mounted = [one["mountPath"] for one in container["volumeMounts"]]
    store = next(one for one in container["args"] if one.startswith("--store="))
    assert any(store.partition("=")[2].startswith(f"{path}/") for path in mounted)


def test_the_cron_job_gives_options_that_there_are() -> None:
    (container,) = cron_job()["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    command, *options = container["args"]
    assert command == "refresh"
    assert {one.partition("=")[0] for one in options} <= refresh_options()


def test_github_takes_the_workflow() -> None:
    program = Path(sys.executable).with_name("check-jsonschema")
    done = subprocess.run(
        [program, "--builtin-schema", "vendor.github-workflows", WORKFLOW],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_workflow_gives_options_that_there_are() -> None:
    steps = yaml.safe_load(WORKFLOW.read_text("utf-8"))["jobs"]["refresh"]["steps"]
    (step,) = [one for one in steps if "klarify-xl refresh" in one.get("run", "")]
    words = step["run"].split()
    assert {word for word in words if word.startswith("--")} <= refresh_options()
    assert step["env"] == {"KLARIFY_API_KEY": "${{ secrets.KLARIFY_API_KEY }}"}


def test_the_airflow_dag_refreshes(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a stand-in for Airflow's SDK, which is too large to install for this."""
    told: dict[str, Any] = {}
    ran: list[Any] = []

    def dag(**options: Any) -> Callable[..., Any]:
        told.update(options)
        return lambda function: function

    def task(**options: Any) -> Callable[..., Any]:
        told.update(options)
        return lambda function: lambda: ran.append(function())

    sdk = types.ModuleType("airflow.sdk")
    vars(sdk).update(dag=dag, task=task)
    monkeypatch.setitem(sys.modules, "airflow", types.ModuleType("airflow"))
    monkeypatch.setitem(sys.modules, "airflow.sdk", sdk)
    asked: list[tuple[Any, ...]] = []

    def refresh(*arguments: Any, **options: Any) -> Any:
        asked.append((arguments, options))
        return types.SimpleNamespace(as_json=lambda: {"outcome": "written"})

    monkeypatch.setattr("klarify_xl.refresh", refresh)
    runpy.run_path(str(DEPLOY / "airflow_dag.py"))
    assert ran == [{"outcome": "written"}]
    assert asked == [
        (("s3://reports/procedures.xlsx",), {"store": "/var/lib/klarify-xl/klarify.db"})
    ]
    assert told["max_active_runs"] == 1
    assert told["catchup"] is False
