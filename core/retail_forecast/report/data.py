"""What the report is made of: plain values, gathered by whoever writes it.

None stands for something that is absent; the section concerned then says so, and why.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from retail_forecast.domain.settings import Floors, QualitySettings
from retail_forecast.monitoring.weeks import Remark, Shift
from retail_forecast.registry.champion import Champion
from retail_forecast.registry.gate import Decision
from retail_forecast.registry.record import RunRecord
from retail_forecast.registry.refusals import Refusal

__all__ = ["IngestFacts", "LakeFacts", "ReportData", "SegmentFacts", "ServedPrediction", "TierFacts", "WeekFacts"]


@dataclass(frozen=True, slots=True)
class WeekFacts:
    """What the lake holds of one week.

    Attributes
    ----------
    baskets : baskets in gold
    lines, quarantined : till lines that keep all rules, and those that do not
    labels : baskets per label, by LA, MM, UM, XX
    """

    baskets: int
    lines: int
    quarantined: int
    labels: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class LakeFacts:
    """What came in.

    Attributes
    ----------
    ingests : reports of the ingest calls, oldest first, each as its `to_dict()`
    weeks : what the lake holds, by week YYYYWW
    """

    ingests: tuple[Mapping[str, Any], ...]
    weeks: Mapping[int, WeekFacts]


@dataclass(frozen=True, slots=True)
class IngestFacts:
    """One call of ingest, and how the weeks that it wrote lie among the others.

    Attributes
    ----------
    report : the call's report, as its `to_dict()`
    weeks : what the lake held afterwards, by week YYYYWW; weeks written before profiles were kept have no labels
    remarks : what is remarkable of the weeks written
    shifted : how far each column of each week lies from the trailing weeks
    limits : from where on something is remarkable
    generated_at : time of writing, with its time zone
    """

    report: Mapping[str, Any]
    weeks: Mapping[int, WeekFacts]
    remarks: tuple[Remark, ...]
    shifted: Mapping[int, Mapping[str, Shift]]
    limits: QualitySettings
    generated_at: datetime


@dataclass(frozen=True, slots=True)
class ServedPrediction:
    """One basket that a running server was asked about.

    Attributes
    ----------
    request : body of the request, a basket
    answer : body of the answer
    latency_ms : from sending the request to having read the answer
    contributions : what each line contributed to the answer [log-odds] (`bundle.explanation`); empty when not asked
    """

    request: Mapping[str, Any]
    answer: Mapping[str, Any]
    latency_ms: float
    contributions: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class TierFacts:
    """The customers of one tier.

    Attributes
    ----------
    customers, baskets : how many
    spend_gbp : what they have spent [GBP]
    lapsed : those of them who have stayed away for longer than a quarter
    promoted : customers of any tier to whom this tier's promotion goes
    """

    customers: int
    spend_gbp: float
    baskets: int
    lapsed: int
    promoted: int


@dataclass(frozen=True, slots=True)
class SegmentFacts:
    """The segments of customers that were written last.

    Attributes
    ----------
    as_of_week : last week whose baskets counted, YYYYWW
    run_id, learned_to_week : the model, and the last week that it learned from
    written_at : when, with its time zone
    tiers : by LA, MM, UM
    """

    as_of_week: int
    run_id: str
    learned_to_week: int
    written_at: datetime
    tiers: Mapping[str, TierFacts]


@dataclass(frozen=True, slots=True)
class ReportData:
    """Everything that stands in a report.

    Attributes
    ----------
    record : run that the report is about
    floors : targets of quality for task `basket`
    champion : model in force for the task of the run
    decision : what the gate said of the run
    lake, served : see their classes
    window_uses : runs that have taken figures from this run's test window, itself included (`test_window_uses`)
    generated_at : time of writing, with its time zone
    segments : the segments of customers that were written last
    rivals : the newest run of each learner on the same baskets, this one's among them, the best first
    refusals : what the gate has refused for the task of the run, oldest first
    card : where the model card lies, as a link from the report
    """

    record: RunRecord
    floors: Floors
    champion: Champion | None
    decision: Decision | None
    lake: LakeFacts | None
    served: ServedPrediction | None
    window_uses: int
    generated_at: datetime
    segments: SegmentFacts | None = None
    rivals: tuple[RunRecord, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    card: str | None = None
