"""`retail-forecast features`: the feature store of products, customers and stores."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from retail_forecast.cli.console import emit
from retail_forecast.cli.options import DEFAULT_WORKSPACE, JsonOutput, Workspace
from retail_forecast.domain.errors import DataError
from retail_forecast.domain.records import FeatureGroup
from retail_forecast.domain.tasks import Task

if TYPE_CHECKING:
    from retail_forecast.domain.records import Record
    from retail_forecast.pipeline.parity import TaskAudit

__all__ = ["features"]

features = typer.Typer(
    help="Look after the feature store, and ask it what stands or stood.",
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
)

Group = Annotated[FeatureGroup, typer.Argument(metavar="GROUP", help="product, customer or store")]


@features.command()
def materialize(
    *,
    refill: Annotated[bool, typer.Option("--refill", help="Put every id online, for a new online store.")] = False,
    workspace: Workspace = DEFAULT_WORKSPACE,
    json_output: JsonOutput = False,
) -> None:
    """Write records of the weeks that are new or corrected since the last time, offline and online.

    Where a model of `arrival` is champion, the server is given what is known of customers and stores by now.
    """
    from retail_forecast.domain.settings import load_settings
    from retail_forecast.pipeline.clock import utc_now
    from retail_forecast.pipeline.features import materialize_features

    done, snapshot = materialize_features(workspace, load_settings(workspace), clock=utc_now, refill=refill)

    def show() -> None:
        typer.echo(f"{len(done.weeks)} weeks materialised, {len(done.corrected)} of them corrected")
        for group, count in done.offline.items():
            typer.echo(f"{group}: {count:,} records appended, {done.online[group]:,} stand online since")
        if snapshot:
            typer.echo(f"snapshot for {snapshot.model_version} as of week {snapshot.weeks[-1]}")

    emit(asdict(done) | {"snapshot": asdict(snapshot) if snapshot else None}, json_output, show)


@features.command()
def get(
    group: Group,
    ids: Annotated[list[str], typer.Argument(metavar="ID...", help="Codes of products, customers or stores.")],
    *,
    as_of: Annotated[
        datetime | None, typer.Option(help="What was known at that time (UTC), from the offline store.")
    ] = None,
    workspace: Workspace = DEFAULT_WORKSPACE,
    json_output: JsonOutput = False,
) -> None:
    """What stands for each id now, from the online store; ids of which nothing is known are left out."""
    from retail_forecast.domain.settings import load_settings
    from retail_forecast.pipeline.clock import utc_now
    from retail_forecast.pipeline.features import features_as_of, features_now

    if as_of is None:
        found = features_now(workspace, load_settings(workspace), group, ids, utc_now())
    else:
        found = features_as_of(workspace, group, ids, as_of.replace(tzinfo=UTC))
    _emit(group, ids, found, json_output)


@features.command()
def history(
    group: Group,
    record_id: Annotated[str, typer.Argument(metavar="ID", help="Code of a product, customer or store.")],
    *,
    workspace: Workspace = DEFAULT_WORKSPACE,
    json_output: JsonOutput = False,
) -> None:
    """Every record of an id, corrections included, from the offline store."""
    from retail_forecast.pipeline.features import features_history

    _emit(group, [record_id], features_history(workspace, group, record_id), json_output)


@features.command()
def audit(
    *,
    baskets: Annotated[int, typer.Option(min=1, help="Baskets to replay for each task.")] = 1000,
    task: Annotated[
        list[Task] | None, typer.Option(help="Task to audit, several times for several; by default all champions.")
    ] = None,
    url: Annotated[str | None, typer.Option(help="Address of a running server; by default one is started.")] = None,
    api_key: Annotated[str | None, typer.Option(envvar="RETAIL_FORECAST_API_KEY", help="Key of that server.")] = None,
    workspace: Workspace = DEFAULT_WORKSPACE,
    json_output: JsonOutput = False,
) -> None:
    """Replay baskets of the lake through the server and compare with the batch path.

    Features must be the same bit by bit, probabilities within 1e-6, labels the same. Exit code 3 on any difference.
    With --url, features are not seen and not compared.
    """
    import msgspec

    from retail_forecast.domain.settings import load_settings
    from retail_forecast.pipeline.audit import audit_features

    found = audit_features(
        workspace, load_settings(workspace), baskets=baskets, tasks=task or (), url=url, api_key=api_key
    )
    agrees = all(one.agrees for one in found)
    document = {"agrees": agrees, "tasks": msgspec.to_builtins(found)}
    emit(document, json_output, lambda: _show_audit(found))
    if not agrees:
        raise typer.Exit(DataError.exit_code)


def _show_audit(found: "Sequence[TaskAudit]") -> None:
    from rich.console import Console
    from rich.table import Table

    names = list(found[0].differences)
    table = Table("task", "baskets", "other week", *names, "largest", box=None, pad_edge=False, header_style="bold")
    for one in found:
        counts = [f"{count:,}" for count in (one.baskets, one.other_history, *one.differences.values())]
        table.add_row(str(one.task), *counts, f"{one.largest_difference:.1e}")
    Console().print(table)
    for one in found:
        typer.echo(
            f"{one.task}: {'agrees' if one.agrees else 'DIFFERS ' + ', '.join(one.examples)} ({one.model_version})"
        )


def _emit(group: FeatureGroup, ids: "Sequence[str]", records: "Sequence[Record]", json_output: bool) -> None:
    emit({"group": str(group), "records": [_document(r) for r in records]}, json_output, lambda: _show(ids, records))


def _document(record: "Record") -> dict[str, Any]:
    times = {name: getattr(record, name) for name in ("event_time", "known_time", "write_time", "expires_at")}
    told = {name: None if time is None else time.isoformat() for name, time in times.items()}
    return {"record_id": record.record_id, **told, "deleted": record.deleted, "features": dict(record.values)}


def _show(ids: "Sequence[str]", records: "Sequence[Record]") -> None:
    for record in records:
        since, known = (f"{time:%Y-%m-%d %H:%M}" for time in (record.event_time, record.known_time))
        typer.echo(f"{record.record_id}  stands since {since}, known since {known}")
        told = ", ".join(f"{name} {value}" for name, value in record.values.items())
        typer.echo(f"  {'deleted' if record.deleted else told}")
    found = {record.record_id for record in records}
    for absent in dict.fromkeys(one for one in ids if one not in found):
        typer.echo(f"{absent}  no record")
    if not records:
        typer.echo("`retail-forecast features materialize` brings in what was ingested since the last time")
