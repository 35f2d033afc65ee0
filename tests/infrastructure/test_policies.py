"""Each role may do what its component does, and is refused what it must not do: its policies, as they were made, are
evaluated over real requests. And no policy allows everything, but where AWS demands it and the reason stands beside it.

The evaluation is that of one account without service control policies: an explicit denial wins, then an allowance
(https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html). A second opinion comes from
the policy simulation of MiniStack, which takes no account of the keys of a request (`ContextEntries`, in 1.5): it is
asked without them.
"""

import json
import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

from retail_forecast.clouds.aws.definitions import Search, Work, training_definition, tuning_definition
from retail_forecast.clouds.aws.outputs import Outputs, TrainingLimits
from retail_forecast.clouds.aws.processing import processing_definition
from retail_forecast.clouds.aws.transform import transform_definition
from retail_forecast.domain.settings import AwsSettings
from retail_forecast.models.search import SPACES, sagemaker_ranges

INFRA = Path(__file__).parents[2] / "aws/infra"
NAME = "till-forecast-dev"
PLACE = "ap-southeast-3:123456789012"
LAKE, ARTIFACTS, AUDIT = (f"arn:aws:s3:::{NAME}-{kind}-123456789012" for kind in ("lake", "artifacts", "audit"))
Context = Mapping[str, str | list[str]]
Statement = dict[str, Any]


def listed(value: Any) -> list[Any]:  # noqa: ANN401 - a policy has one or many
    return value if isinstance(value, list) else [value]


def matches(pattern: str, text: str) -> bool:
    """IAM's wildcards: * and ?, and nothing else."""
    return fnmatchcase(text, pattern.replace("[", "[[]"))


def holds(operator: str, key: str, wanted: list[str], context: Context) -> bool:
    """Whether one condition holds of a request."""
    every = operator.startswith("ForAllValues:")
    operator = operator.removeprefix("ForAllValues:")
    given = listed(context[key]) if key in context else []
    if operator == "Null":
        return (not given) == (wanted == ["true"])
    tests = {
        "StringEquals": lambda value: value in wanted,
        "ArnEquals": lambda value: any(matches(w, value) for w in wanted),
        "StringLike": lambda value: any(matches(w, value) for w in wanted),
        "ArnLike": lambda value: any(matches(w, value) for w in wanted),
        "Bool": lambda value: value in wanted,
        "NumericLessThanEquals": lambda value: float(value) <= float(wanted[0]),
    }
    return all(map(tests[operator], given)) if every else any(map(tests[operator], given))


def applies(statement: Statement, action: str, resource: str, context: Context) -> bool:
    """Whether a statement speaks of a request."""
    conditions = [
        (operator, key, [str(v) for v in listed(wanted)])
        for operator, keys in statement.get("Condition", {}).items()
        for key, wanted in keys.items()
    ]
    return (
        any(matches(a.lower(), action.lower()) for a in listed(statement["Action"]))
        and any(matches(r, resource) for r in listed(statement.get("Resource", "*")))
        and all(holds(*condition, context) for condition in conditions)
    )


def allowed(statements: list[Statement], action: str, resource: str, context: Context) -> bool:
    """Whether policies allow a request."""
    effects = {s["Effect"] for s in statements if applies(s, action, resource, context)}
    return effects == {"Allow"}


def resources(module: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """All that a state holds."""
    yield from module.get("resources", [])
    for child in module.get("child_modules", []):
        yield from resources(child)


@pytest.fixture(scope="session")
def roles(applied: dict[str, Any]) -> dict[str, list[Statement]]:
    """The statements of each role, by the role's name without the environment's."""
    made = list(resources(applied["values"]["root_module"]))
    managed = {r["values"]["arn"]: r["values"]["policy"] for r in made if r["type"] == "aws_iam_policy"}
    found: dict[str, list[Statement]] = {}
    for r in made:
        values = r["values"]
        if r["type"] == "aws_iam_role_policy":
            text = values["policy"]
        elif r["type"] == "aws_iam_role_policy_attachment" and values["policy_arn"] in managed:
            text = managed[values["policy_arn"]]
        else:
            continue
        found.setdefault(values["role"].removeprefix(f"{NAME}-"), []).extend(json.loads(text)["Statement"])
    return found


@pytest.fixture(scope="session")
def data_key(applied: dict[str, Any]) -> str:
    made = resources(applied["values"]["root_module"])
    return next(str(r["values"]["arn"]) for r in made if r["type"] == "aws_kms_key" and r.get("index") == "data")


SAGEMAKER = f"arn:aws:sagemaker:{PLACE}"
LOGS = f"arn:aws:logs:{PLACE}:log-group:/aws/sagemaker"
IMAGES = f"arn:aws:ecr:{PLACE}:repository/{NAME}"
BALANCER = f"arn:aws:elasticloadbalancing:{PLACE}:loadbalancer/app/k8s-retail/0123456789abcdef"
GROUP = f"arn:aws:autoscaling:{PLACE}:autoScalingGroup:1:autoScalingGroupName/eks-serving"
JOB_LOGS = f"arn:aws:logs:{PLACE}:log-group:/{NAME}/jobs"
ALARM = f"arn:aws:cloudwatch:{PLACE}:alarm"
SCALED = f"arn:aws:application-autoscaling:{PLACE}:scalable-target/1234abcd"
LINKED = "arn:aws:iam::123456789012:role/aws-service-role/sagemaker.application-autoscaling.amazonaws.com"
BY_SCALING = {"iam:AWSServiceName": "sagemaker.application-autoscaling.amazonaws.com"}
ENDPOINTS, TABLES = (
    {"application-autoscaling:service-namespace": service, "application-autoscaling:scalable-dimension": what}
    for service, what in (
        ("sagemaker", "sagemaker:variant:DesiredInstanceCount"),
        ("dynamodb", "dynamodb:table:ReadCapacityUnits"),
    )
)
TABLE = f"arn:aws:dynamodb:{PLACE}:table/{NAME}-features"
SAGEMAKER_ROLE = f"arn:aws:iam::123456789012:role/{NAME}-sagemaker"
OURS, THEIRS = ({"aws:ResourceTag/elbv2.k8s.aws/cluster": name} for name in (NAME, "another"))
NODES, OTHERS = ({"aws:ResourceTag/eks:cluster-name": name} for name in (NAME, "another"))
METRICS, FOREIGN = ({"cloudwatch:namespace": name} for name in ("RetailForecast/dev", "RetailForecast/prod"))
TO_SAGEMAKER, TO_EC2 = ({"iam:PassedToService": f"{name}.amazonaws.com"} for name in ("sagemaker", "ec2"))

Case = tuple[str, str, str, Context]

DOES: tuple[Case, ...] = (
    ("server", "s3:GetObject", f"{ARTIFACTS}/registry/champions/basket/00000001.json", {}),
    ("server", "s3:GetObject", f"{ARTIFACTS}/registry/features/snapshot/latest.json", {}),
    ("server", "s3:ListBucket", ARTIFACTS, {"s3:prefix": "registry/champions/"}),
    ("server", "s3:PutObject", f"{LAKE}/predictions/2026/11/22/0001.parquet", {}),
    ("etl", "s3:GetObject", f"{LAKE}/incoming/transactions_200801.csv.gz", {}),
    ("etl", "s3:PutObject", f"{LAKE}/lake/gold/baskets/_delta_log/00000000000000000001.json", {}),
    ("etl", "s3:DeleteObject", f"{LAKE}/lake/states/lease", {}),
    ("etl", "dynamodb:PutItem", TABLE, {}),
    ("etl", "s3:GetObject", f"{ARTIFACTS}/registry/champions/arrival/00000001.json", {}),
    ("etl", "s3:PutObject", f"{ARTIFACTS}/registry/features/snapshot/latest.json", {}),
    ("etl", "s3:PutObject", f"{ARTIFACTS}/registry/lineage/20261123T030000-ingest-complete.json", {}),
    ("batch", "s3:GetObject", f"{LAKE}/to-score/transactions_200801.csv.gz", {}),
    ("batch", "s3:ListBucket", LAKE, {"s3:prefix": "to-score/"}),
    ("batch", "s3:PutObject", f"{LAKE}/scored/20261123.parquet", {}),
    ("batch", "s3:DeleteObject", f"{LAKE}/predictions/objects/0123456789abcdef/00000001.parquet", {}),
    ("monitor", "s3:GetObject", f"{LAKE}/lake/predictions/part-0.parquet", {}),
    ("monitor", "s3:GetObject", f"{ARTIFACTS}/registry/champions/basket/00000001.json", {}),
    ("monitor", "logs:PutLogEvents", f"{JOB_LOGS}:log-stream:monitoring", {}),
    ("batch", "s3:GetObject", f"{LAKE}/lake/gold/baskets/part-0.parquet", {}),
    ("batch", "s3:PutObject", f"{LAKE}/lake/predictions/part-0.parquet", {}),
    ("batch", "s3:PutObject", f"{ARTIFACTS}/scoring/0123456789abcdef/input/baskets/weeks-200801-200806.jsonl", {}),
    ("batch", "s3:ListBucket", ARTIFACTS, {"s3:prefix": "scoring/0123456789abcdef/output/x/"}),
    ("batch", "sagemaker:DeleteModel", f"{SAGEMAKER}:model/{NAME}-0123456789abcdef", {}),
    ("batch", "logs:GetLogEvents", f"{LOGS}/TransformJobs:log-stream:{NAME}-1/i-1", {}),
    ("retrain", "s3:PutObject", f"{ARTIFACTS}/registry/champions/basket/00000002.json", {}),
    ("retrain", "iam:PassRole", SAGEMAKER_ROLE, TO_SAGEMAKER),
    ("retrain", "logs:DescribeLogStreams", f"{LOGS}/TrainingJobs:log-stream:", {}),
    ("retrain", "logs:GetLogEvents", f"{LOGS}/ProcessingJobs:log-stream:{NAME}-1/algo-1-1", {}),
    ("retrain", "sagemaker:CreateModelPackage", f"{SAGEMAKER}:model-package/{NAME}-basket/3", {}),
    ("sagemaker", "s3:PutObject", f"{ARTIFACTS}/training/run/output/model.tar.gz", {}),
    ("sagemaker", "s3:ListBucket", ARTIFACTS, {"s3:prefix": "training/0123456789abcdef/input/gold/"}),
    ("sagemaker", "s3:ListBucket", ARTIFACTS, {"s3:prefix": "scoring/0123456789abcdef/input/baskets/"}),
    ("sagemaker", "s3:GetObject", f"{LAKE}/lake/gold/baskets/part-0.parquet", {}),
    ("retrain", "s3:ListBucket", ARTIFACTS, {"s3:prefix": "training/0123456789abcdef/output/"}),
    ("sagemaker", "cloudwatch:PutMetricData", "*", METRICS),
    ("sagemaker", "ecr:BatchGetImage", f"{IMAGES}/train", {}),
    ("glue", "s3:PutObject", f"{LAKE}/lake/raw/0123456789abcdef/transactions_200801.csv.gz", {}),
    ("glue", "glue:GetTable", f"arn:aws:glue:{PLACE}:table/till_forecast_dev/gold_baskets", {}),
    ("ci", "ecr:PutImage", f"{IMAGES}/server", {}),
    ("ci", "eks:DescribeCluster", f"arn:aws:eks:{PLACE}:cluster/{NAME}", {}),
    ("ci", "sagemaker:CreateEndpoint", f"{SAGEMAKER}:endpoint/{NAME}-basket", {}),
    ("ci", "sagemaker:AddTags", f"{SAGEMAKER}:endpoint/{NAME}-basket", {}),
    ("ci", "cloudwatch:PutMetricAlarm", f"{ALARM}:{NAME}-basket-errors", {}),
    ("ci", "cloudwatch:DeleteAlarms", f"{ALARM}:{NAME}-basket-latency", {}),
    ("ci", "cloudwatch:DescribeAlarms", f"{ALARM}:{NAME}-RequestLatency", {}),
    ("ci", "application-autoscaling:RegisterScalableTarget", SCALED, ENDPOINTS),
    ("ci", "application-autoscaling:PutScalingPolicy", SCALED, ENDPOINTS),
    (
        "ci",
        "iam:CreateServiceLinkedRole",
        f"{LINKED}/AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint",
        BY_SCALING,
    ),
    ("aws-load-balancer-controller", "elasticloadbalancing:ModifyLoadBalancerAttributes", BALANCER, OURS),
    ("aws-load-balancer-controller", "ec2:DescribeSubnets", "*", {}),
    ("cluster-autoscaler", "autoscaling:SetDesiredCapacity", GROUP, NODES),
    (
        "cloudwatch-agent",
        "logs:PutLogEvents",
        f"arn:aws:logs:{PLACE}:log-group:/aws/containerinsights/{NAME}/application:log-stream:x",
        {},
    ),
    ("cloudwatch-agent", "cloudwatch:PutMetricData", "*", METRICS),
    ("aws-node", "ec2:AssignPrivateIpAddresses", f"arn:aws:ec2:{PLACE}:network-interface/eni-1", {}),
)

MUST_NOT: tuple[Case, ...] = (
    ("server", "s3:GetObject", f"{LAKE}/lake/gold/baskets/part-0.parquet", {}),
    ("server", "s3:PutObject", f"{ARTIFACTS}/registry/champions/basket/00000002.json", {}),
    ("server", "s3:DeleteObject", f"{LAKE}/predictions/2026/11/22/0001.parquet", {}),
    ("server", "s3:ListBucket", ARTIFACTS, {"s3:prefix": "training/"}),
    ("server", "dynamodb:GetItem", TABLE, {}),
    ("server", "sagemaker:CreateTrainingJob", f"{SAGEMAKER}:training-job/{NAME}-1", {}),
    ("etl", "s3:DeleteObject", f"{LAKE}/incoming/transactions_200801.csv.gz", {}),
    ("etl", "s3:PutObject", f"{ARTIFACTS}/registry/champions/basket/00000002.json", {}),
    ("etl", "s3:PutObject", f"{ARTIFACTS}/registry/bundles/x/manifest.json", {}),
    ("etl", "s3:GetObject", f"{AUDIT}/trail/AWSLogs/123456789012/x", {}),
    ("etl", "dynamodb:DeleteTable", TABLE, {}),
    ("etl", "dynamodb:PutItem", f"arn:aws:dynamodb:{PLACE}:table/another", {}),
    ("batch", "s3:PutObject", f"{LAKE}/lake/gold/baskets/part-0.parquet", {}),
    ("batch", "s3:DeleteObject", f"{LAKE}/to-score/transactions_200801.csv.gz", {}),
    ("server", "s3:PutObject", f"{LAKE}/scored/20261123.parquet", {}),
    ("monitor", "s3:PutObject", f"{LAKE}/lake/predictions/part-0.parquet", {}),
    ("monitor", "logs:PutLogEvents", f"arn:aws:logs:{PLACE}:log-group:/aws/eks/{NAME}/cluster:log-stream:x", {}),
    ("monitor", "logs:DeleteLogGroup", JOB_LOGS, {}),
    ("monitor", "cloudwatch:PutMetricData", "*", METRICS),
    ("batch", "s3:PutObject", f"{ARTIFACTS}/registry/bundles/x/manifest.json", {}),
    ("batch", "sagemaker:CreateTrainingJob", f"{SAGEMAKER}:training-job/{NAME}-1", {}),
    ("batch", "sagemaker:DeleteModel", f"{SAGEMAKER}:model/another-1", {}),
    ("batch", "logs:GetLogEvents", f"{LOGS}/TransformJobs:log-stream:another-1/i-1", {}),
    ("batch", "iam:PassRole", SAGEMAKER_ROLE, TO_EC2),
    ("retrain", "s3:PutObject", f"{LAKE}/lake/gold/baskets/part-0.parquet", {}),
    ("retrain", "s3:DeleteObject", f"{ARTIFACTS}/registry/champions/basket/00000001.json", {}),
    ("retrain", "iam:PassRole", SAGEMAKER_ROLE, TO_EC2),
    ("retrain", "sagemaker:CreateTransformJob", f"{SAGEMAKER}:transform-job/{NAME}-1", {}),
    ("retrain", "logs:GetLogEvents", f"{LOGS}/TrainingJobs:log-stream:another-1/algo-1-1", {}),
    ("retrain", "iam:PassRole", f"arn:aws:iam::123456789012:role/{NAME}-etl", TO_SAGEMAKER),
    ("sagemaker", "s3:PutObject", f"{LAKE}/lake/gold/baskets/part-0.parquet", {}),
    ("sagemaker", "s3:GetObject", "arn:aws:s3:::somebody-elses-bucket/x", {}),
    ("sagemaker", "s3:ListBucket", ARTIFACTS, {"s3:prefix": "code/"}),
    ("sagemaker", "cloudwatch:PutMetricData", "*", FOREIGN),
    ("sagemaker", "iam:PassRole", SAGEMAKER_ROLE, TO_SAGEMAKER),
    ("glue", "s3:GetObject", f"{ARTIFACTS}/registry/bundles/x/manifest.json", {}),
    ("glue", "glue:DeleteTable", f"arn:aws:glue:{PLACE}:table/till_forecast_dev/gold_baskets", {}),
    ("ci", "cloudwatch:PutMetricAlarm", f"{ALARM}:{NAME}-RequestLatency", {}),
    ("ci", "cloudwatch:DeleteAlarms", f"{ALARM}:{NAME}-LiveAccuracy", {}),
    ("ci", "application-autoscaling:RegisterScalableTarget", SCALED, TABLES),
    ("ci", "iam:CreateServiceLinkedRole", f"{LINKED}/x", {"iam:AWSServiceName": "eks.amazonaws.com"}),
    ("ci", "iam:CreateRole", "arn:aws:iam::123456789012:role/x", {}),
    ("ci", "ecr:DeleteRepository", f"{IMAGES}/server", {}),
    ("ci", "s3:GetObject", f"{LAKE}/lake/gold/baskets/part-0.parquet", {}),
    ("ci", "s3:PutObject", f"{ARTIFACTS}/registry/champions/basket/00000002.json", {}),
    ("ci", "eks:DeleteCluster", f"arn:aws:eks:{PLACE}:cluster/{NAME}", {}),
    ("aws-load-balancer-controller", "elasticloadbalancing:DeleteLoadBalancer", BALANCER, THEIRS),
    ("aws-load-balancer-controller", "elasticloadbalancing:DeleteLoadBalancer", BALANCER, {}),
    (
        "aws-load-balancer-controller",
        "ec2:AuthorizeSecurityGroupIngress",
        f"arn:aws:ec2:{PLACE}:security-group/sg-1",
        {},
    ),
    ("cluster-autoscaler", "autoscaling:SetDesiredCapacity", GROUP, OTHERS),
    ("cluster-autoscaler", "ec2:TerminateInstances", f"arn:aws:ec2:{PLACE}:instance/i-1", NODES),
    ("cloudwatch-agent", "cloudwatch:PutMetricData", "*", FOREIGN),
    (
        "cloudwatch-agent",
        "logs:DeleteLogGroup",
        f"arn:aws:logs:{PLACE}:log-group:/aws/containerinsights/{NAME}/application",
        {},
    ),
    ("aws-node", "ec2:RunInstances", f"arn:aws:ec2:{PLACE}:instance/i-1", {}),
)


@pytest.mark.parametrize("case", DOES, ids=lambda case: f"{case[0]} {case[1]}")
def test_a_component_may_do_what_it_does(roles: dict[str, list[Statement]], case: Case) -> None:
    role, action, resource, context = case
    assert allowed(roles[role], action, resource, context)


@pytest.mark.parametrize("case", MUST_NOT, ids=lambda case: f"{case[0]} {case[1]}")
def test_a_component_is_refused_what_it_must_not_do(roles: dict[str, list[Statement]], case: Case) -> None:
    role, action, resource, context = case
    assert not allowed(roles[role], action, resource, context)


def simulated(iam: Any, statements: list[Statement], action: str, resource: str) -> bool:  # noqa: ANN401 - a client
    """Whether the simulation allows a request without keys."""
    policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
    answer = iam.simulate_custom_policy(PolicyInputList=[policy], ActionNames=[action], ResourceArns=[resource])
    return bool(answer["EvaluationResults"][0]["EvalDecision"] == "allowed")


@pytest.mark.parametrize("case", [*DOES, *MUST_NOT], ids=lambda case: f"{case[0]} {case[1]}")
def test_simulation_says_the_same(iam: Any, roles: dict[str, list[Statement]], case: Case) -> None:  # noqa: ANN401
    role, action, resource, _ = case
    assert simulated(iam, roles[role], action, resource) == allowed(roles[role], action, resource, {})


def test_simulation_allows_and_refuses(iam: Any) -> None:  # noqa: ANN401
    statements = [{"Effect": "Allow", "Action": "s3:Get*", "Resource": "arn:aws:s3:::a/*"}]
    denied = [*statements, {"Effect": "Deny", "Action": "*", "Resource": "arn:aws:s3:::a/secret"}]
    assert simulated(iam, denied, "s3:GetObject", "arn:aws:s3:::a/x")
    assert not simulated(iam, denied, "s3:GetObject", "arn:aws:s3:::a/secret")
    assert not simulated(iam, denied, "s3:PutObject", "arn:aws:s3:::a/x")


def test_every_role_is_asked_both_ways(roles: dict[str, list[Statement]]) -> None:
    assert (
        {case[0] for case in DOES}
        == {case[0] for case in MUST_NOT}
        == set(roles) - {"trail", "flow-logs", "office-hours"}
    )


def job(key: str, **other: str | list[str]) -> dict[str, str | list[str]]:
    """The context of a request for a training job within the limits, but for `other`."""
    return {
        "sagemaker:InstanceTypes": ["ml.m5.large"],
        "sagemaker:MaxRuntimeInSeconds": "3600",
        "sagemaker:VolumeKmsKey": key,
        "sagemaker:OutputKmsKey": key,
        "sagemaker:VpcSubnets": [],
        "sagemaker:VpcSecurityGroupIds": [],
        **{f"sagemaker:{name}": value for name, value in other.items()},
    }


@pytest.fixture(scope="session")
def network(roles: dict[str, list[Statement]]) -> dict[str, str | list[str]]:
    """Subnets and security groups that the limits on training jobs name."""
    (limits,) = (s for s in roles["retrain"] if s.get("Sid") == "StartWithinLimits")
    equals = limits["Condition"]["ForAllValues:StringEquals"]
    return {name: listed(equals[f"sagemaker:{name}"]) for name in ("VpcSubnets", "VpcSecurityGroupIds")}


@pytest.mark.parametrize("role", ["retrain", "ci"])
def test_training_starts_within_limits_only(
    roles: dict[str, list[Statement]], data_key: str, network: dict[str, str | list[str]], role: str
) -> None:
    def may(name: str = f"{NAME}-1", **other: str | list[str]) -> bool:
        context = job(data_key, **(network | other))
        return allowed(roles[role], "sagemaker:CreateTrainingJob", f"{SAGEMAKER}:training-job/{name}", context)

    assert may()
    assert not may(name="somebody-elses-1")
    assert not may(InstanceTypes=["ml.p4d.24xlarge"])
    assert not may(InstanceTypes=["ml.m5.large", "ml.p4d.24xlarge"])
    assert not may(InstanceTypes=[])
    assert not may(MaxRuntimeInSeconds="500000")
    assert not may(VolumeKmsKey="arn:aws:kms:ap-southeast-3:123456789012:key/another")
    assert not may(VpcSubnets=["subnet-elsewhere"])
    assert not may(VpcSubnets=[])


def context_of(definition: Mapping[str, Any]) -> Context:
    """What IAM sees of a request for jobs
    (https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsagemakerai.html)."""
    hosts, network = definition["ResourceConfig"], definition["VpcConfig"]
    return {
        "sagemaker:InstanceTypes": [hosts["InstanceType"]],
        "sagemaker:MaxRuntimeInSeconds": str(definition["StoppingCondition"]["MaxRuntimeInSeconds"]),
        "sagemaker:VolumeKmsKey": hosts["VolumeKmsKeyId"],
        "sagemaker:OutputKmsKey": definition["OutputDataConfig"]["KmsKeyId"],
        "sagemaker:VpcSubnets": network["Subnets"],
        "sagemaker:VpcSecurityGroupIds": network["SecurityGroupIds"],
    }


@pytest.fixture(scope="session")
def outputs(roles: dict[str, list[Statement]], data_key: str, network: dict[str, str | list[str]]) -> Outputs:
    """What the environment puts out, with the limits that IAM puts on jobs there."""
    (limits,) = (s["Condition"] for s in roles["retrain"] if s.get("Sid") == "StartWithinLimits")
    types = limits["ForAllValues:StringEquals"]["sagemaker:InstanceTypes"]
    (seconds,) = listed(limits["NumericLessThanEquals"]["sagemaker:MaxRuntimeInSeconds"])
    return Outputs(
        name=NAME,
        region="ap-southeast-3",
        tags={},
        private_subnet_ids=tuple(network["VpcSubnets"]),
        jobs_security_group_id=network["VpcSecurityGroupIds"][0],
        bucket_names={"artifacts": ARTIFACTS.rpartition(":")[2]},
        zone_uris={},
        kms_key_arns={"data": data_key},
        ecr_repository_urls={"train": "registry/train", "server": "registry/server"},
        sagemaker_role_arn=SAGEMAKER_ROLE,
        training_limits=TrainingLimits(tuple(listed(types)), int(seconds)),
    )


def test_the_jobs_that_the_command_asks_for_lie_within_the_limits(
    roles: dict[str, list[Statement]], outputs: Outputs
) -> None:
    seconds = outputs.training_limits.max_seconds
    work = Work("f" * 64, {"task": "basket", "model": "tree"}, 2)
    job = training_definition(outputs, AwsSettings(), work, "1")
    tuning = tuning_definition(outputs, AwsSettings(), work, Search(sagemaker_ranges(SPACES["tree"]), 9, 7), "1")

    def may(kind: str, name: str, request: Mapping[str, Any]) -> bool:
        create = {"training-job": "CreateTrainingJob", "hyper-parameter-tuning-job": "CreateHyperParameterTuningJob"}
        arn = f"{SAGEMAKER}:{kind}/{name}"
        return allowed(roles["retrain"], f"sagemaker:{create[kind]}", arn, context_of(request))

    assert may("training-job", job.name, job.request)
    assert may("hyper-parameter-tuning-job", tuning.name, tuning.request["TrainingJobDefinition"])
    assert not may("training-job", job.name, job.request | {"StoppingCondition": {"MaxRuntimeInSeconds": seconds * 2}})
    written = job.request["OutputDataConfig"]["S3OutputPath"].replace("s3://", "arn:aws:s3:::")
    assert allowed(roles["sagemaker"], "s3:PutObject", f"{written}/{job.name}/output/model.tar.gz", {})
    assert allowed(roles["retrain"], "s3:GetObject", f"{written}/{job.name}/output/model.tar.gz", {})


def test_the_measuring_that_the_command_asks_for_lies_within_the_limits(
    roles: dict[str, list[Statement]], outputs: Outputs
) -> None:
    job = processing_definition(outputs, AwsSettings(), "f" * 64, "evaluate", ("evaluated.json",), "1")
    hosts, network = job.request["ProcessingResources"]["ClusterConfig"], job.request["NetworkConfig"]["VpcConfig"]
    context: Context = {
        "sagemaker:InstanceTypes": [hosts["InstanceType"]],
        "sagemaker:MaxRuntimeInSeconds": str(job.request["StoppingCondition"]["MaxRuntimeInSeconds"]),
        "sagemaker:VolumeKmsKey": hosts["VolumeKmsKeyId"],
        "sagemaker:OutputKmsKey": job.request["ProcessingOutputConfig"]["KmsKeyId"],
        "sagemaker:VpcSubnets": network["Subnets"],
        "sagemaker:VpcSecurityGroupIds": network["SecurityGroupIds"],
    }
    arn = f"{SAGEMAKER}:processing-job/{job.name}"
    assert allowed(roles["retrain"], "sagemaker:CreateProcessingJob", arn, context)
    for key in context:
        assert not allowed(roles["retrain"], "sagemaker:CreateProcessingJob", arn, {**context, key: ["999999"]}), key
    (source,) = (one["S3Input"]["S3Uri"].replace("s3://", "arn:aws:s3:::") for one in job.request["ProcessingInputs"])
    left = f"{job.output}/evaluated.json".replace("s3://", "arn:aws:s3:::")
    assert allowed(roles["retrain"], "s3:PutObject", f"{source}order.json", {})
    assert allowed(roles["sagemaker"], "s3:GetObject", f"{source}order.json", {})
    assert allowed(roles["sagemaker"], "s3:PutObject", left, {})
    assert allowed(roles["retrain"], "s3:GetObject", left, {})


def test_the_scoring_that_the_command_asks_for_lies_within_the_limits(
    roles: dict[str, list[Statement]], outputs: Outputs
) -> None:
    job = transform_definition(outputs, AwsSettings(), "f" * 64, ("x.jsonl",), "1")
    assert job.model is not None
    model = f"{SAGEMAKER}:model/{job.model['ModelName']}"
    made: Context = {
        "sagemaker:NetworkIsolation": str(job.model["EnableNetworkIsolation"]).lower(),
        "sagemaker:VpcSubnets": job.model["VpcConfig"]["Subnets"],
        "sagemaker:VpcSecurityGroupIds": job.model["VpcConfig"]["SecurityGroupIds"],
    }
    hosts, answers = job.request["TransformResources"], job.request["TransformOutput"]
    asked: Context = {
        "sagemaker:ModelArn": model,
        "sagemaker:InstanceTypes": [hosts["InstanceType"]],
        "sagemaker:VolumeKmsKey": hosts["VolumeKmsKeyId"],
        "sagemaker:OutputKmsKey": answers["KmsKeyId"],
    }
    for action, arn, context in (
        ("CreateModel", model, made),
        ("CreateTransformJob", f"{SAGEMAKER}:transform-job/{job.name}", asked),
    ):
        assert allowed(roles["batch"], f"sagemaker:{action}", arn, context)
        assert not allowed(roles["batch"], f"sagemaker:{action}", arn.replace(NAME, "another"), context)
        for key in context:
            assert not allowed(roles["batch"], f"sagemaker:{action}", arn, {**context, key: ["another"]}), key
    for address in (f"{job.root}/input/baskets/x.jsonl", job.model["PrimaryContainer"]["ModelDataUrl"]):
        assert allowed(roles["batch"], "s3:PutObject", address.replace("s3://", "arn:aws:s3:::"), {})
        assert allowed(roles["sagemaker"], "s3:GetObject", address.replace("s3://", "arn:aws:s3:::"), {})
    left = f"{answers['S3OutputPath']}/x.jsonl.out".replace("s3://", "arn:aws:s3:::")
    assert allowed(roles["sagemaker"], "s3:PutObject", left, {})
    assert allowed(roles["batch"], "s3:GetObject", left, {})


@pytest.mark.parametrize(("service", "may"), [("s3", True), ("ec2", False)])
def test_the_data_key_serves_through_its_services_only(
    roles: dict[str, list[Statement]], data_key: str, service: str, may: bool
) -> None:
    context = {"kms:ViaService": f"{service}.ap-southeast-3.amazonaws.com"}
    assert allowed(roles["server"], "kms:Decrypt", data_key, context) is may
    assert not allowed(roles["server"], "kms:ScheduleKeyDeletion", data_key, context)


def test_a_role_is_taken_by_its_service_account_only(applied: dict[str, Any]) -> None:
    made = resources(applied["values"]["root_module"])
    trust = {r["values"]["name"].removeprefix(f"{NAME}-"): r["values"] for r in made if r["type"] == "aws_iam_role"}
    (statement,) = json.loads(trust["server"]["assume_role_policy"])["Statement"]
    (issuer,) = {key.rpartition(":")[0] for key in statement["Condition"]["StringEquals"]}

    def may(account: str, audience: str = "sts.amazonaws.com") -> bool:
        context = {f"{issuer}:sub": f"system:serviceaccount:{account}", f"{issuer}:aud": audience}
        return allowed([statement], "sts:AssumeRoleWithWebIdentity", "*", context)

    assert may("retail-forecast:server")
    assert not may("retail-forecast:etl")
    assert not may("default:server")
    assert not may("retail-forecast:server", "another")


def bare(statements: list[Statement]) -> list[str]:
    """Statements that allow every action, or every action of a service, or every resource without naming actions."""
    return [
        str(s.get("Sid"))
        for s in statements
        if s["Effect"] == "Allow" and any(a == "*" or a.endswith(":*") for a in listed(s["Action"]))
    ]


def test_no_role_may_do_everything(roles: dict[str, list[Statement]]) -> None:
    assert {role: bare(statements) for role, statements in roles.items() if bare(statements)} == {}
    assert bare([{"Sid": "Too much", "Effect": "Allow", "Action": ["s3:*"], "Resource": "*"}]) == ["Too much"]
    assert bare([{"Sid": "Far too much", "Effect": "Allow", "Action": "*", "Resource": "*"}]) == ["Far too much"]


def unexplained(text: str) -> list[str]:
    """Statements over every resource, or every action, of a Terraform file without a comment that cites AWS."""
    faults = []
    for block in re.findall(
        r'((?:^ *#[^\n]*\n)*)^ *(?:dynamic ")?statement"? \{\n(.*?)^  \}', text, re.MULTILINE | re.DOTALL
    ):
        comment, body = block
        wide = re.search(r'resources += \["\*"\]|actions += \["[\w*]*\*"\]', body)
        if wide and "Deny" not in body and "https://" not in comment:
            faults.append(body.strip().splitlines()[0])
    return faults


@pytest.mark.parametrize("file", sorted(INFRA.rglob("*.tf")), ids=lambda file: str(file.relative_to(INFRA)))
def test_every_resource_is_allowed_only_where_the_reason_stands_beside(file: Path) -> None:
    assert unexplained(file.read_text("utf-8")) == []


def test_a_statement_without_a_reason_is_found() -> None:
    statement = (
        '  statement {\n    sid       = "All"\n    actions   = ["ec2:RunInstances"]\n    resources = ["*"]\n  }\n'
    )
    assert unexplained(statement) == ['sid       = "All"']
    assert unexplained("  # https://docs.aws.amazon.com/x says so.\n" + statement) == []
