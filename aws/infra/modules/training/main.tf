# Who may start jobs may start them within limits: only these jobs, sizes and hours, only in our subnets, with our key, and
# only with the role that SageMaker jobs have. Those who train and those who score may start what they need, and no more.
resource "aws_sagemaker_model_package_group" "this" {
  for_each = var.tasks

  model_package_group_name        = "${var.name}-${each.key}"
  model_package_group_description = "Versions of the model for the task ${each.key}, mirrored from the registry"
}

locals {
  sagemaker = "arn:${var.place.partition}:sagemaker:${var.place.region}:${var.place.account}"
  logs      = "arn:${var.place.partition}:logs:${var.place.region}:${var.place.account}:log-group:/aws/sagemaker"
  learning  = [for kind in ["training-job", "hyper-parameter-tuning-job", "processing-job"] : "${local.sagemaker}:${kind}/${var.name}-*"]

  # ForAllValues alone is true of a request that names nothing.
  only_these_hosts = [
    { test = "Null", key = "InstanceTypes", values = ["false"] },
    { test = "ForAllValues:StringEquals", key = "InstanceTypes", values = var.instance_types },
    { test = "ArnEquals", key = "VolumeKmsKey", values = [var.data_key_arn] },
    { test = "ArnEquals", key = "OutputKmsKey", values = [var.data_key_arn] },
  ]
  only_our_network = [
    { test = "Null", key = "VpcSubnets", values = ["false"] },
    { test = "ForAllValues:StringEquals", key = "VpcSubnets", values = var.private_subnet_ids },
    { test = "ForAllValues:StringEquals", key = "VpcSecurityGroupIds", values = [var.jobs_security_group_id] },
  ]
}

data "aws_iam_policy_document" "launch" {
  statement {
    sid       = "StartWithinLimits"
    actions   = ["sagemaker:CreateHyperParameterTuningJob", "sagemaker:CreateProcessingJob", "sagemaker:CreateTrainingJob"]
    resources = local.learning

    condition {
      test     = "NumericLessThanEquals"
      variable = "sagemaker:MaxRuntimeInSeconds"
      values   = [var.max_hours * 3600]
    }

    dynamic "condition" {
      for_each = local.only_these_hosts

      content {
        test     = condition.value.test
        variable = "sagemaker:${condition.value.key}"
        values   = condition.value.values
      }
    }

    dynamic "condition" {
      for_each = local.only_our_network

      content {
        test     = condition.value.test
        variable = "sagemaker:${condition.value.key}"
        values   = condition.value.values
      }
    }
  }

  statement {
    sid = "FollowAndStop"
    actions = [
      "sagemaker:AddTags", "sagemaker:DescribeHyperParameterTuningJob", "sagemaker:DescribeProcessingJob",
      "sagemaker:DescribeTrainingJob", "sagemaker:ListTrainingJobsForHyperParameterTuningJob",
      "sagemaker:StopHyperParameterTuningJob", "sagemaker:StopProcessingJob", "sagemaker:StopTrainingJob",
    ]
    resources = local.learning
  }

  statement {
    sid       = "FindLogs"
    actions   = ["logs:DescribeLogStreams"]
    resources = [for jobs in ["TrainingJobs", "ProcessingJobs"] : "${local.logs}/${jobs}:*"]
  }

  statement {
    sid       = "ReadLogs"
    actions   = ["logs:GetLogEvents"]
    resources = [for jobs in ["TrainingJobs", "ProcessingJobs"] : "${local.logs}/${jobs}:log-stream:${var.name}-*"]
  }

  statement {
    sid = "RegisterVersions"
    actions = [
      "sagemaker:CreateModelPackage", "sagemaker:DescribeModelPackage", "sagemaker:DescribeModelPackageGroup",
      "sagemaker:ListModelPackages", "sagemaker:UpdateModelPackage",
    ]
    resources = ["${local.sagemaker}:model-package-group/${var.name}-*", "${local.sagemaker}:model-package/${var.name}-*/*"]
  }

  statement {
    sid       = "HandOverTheJobsRole"
    actions   = ["iam:PassRole"]
    resources = [var.role_arn]

    condition {
      test     = "StringEquals"
      variable = "iam:PassedToService"
      values   = ["sagemaker.amazonaws.com"]
    }
  }
}

resource "aws_iam_policy" "launch" {
  name        = "${var.name}-launch-training"
  description = "Start training, tuning and measuring within limits, and register models"
  policy      = data.aws_iam_policy_document.launch.json
}

data "aws_iam_policy_document" "score" {
  statement {
    sid       = "MakeModels"
    actions   = ["sagemaker:CreateModel"]
    resources = ["${local.sagemaker}:model/${var.name}-*"]

    condition {
      test     = "Bool"
      variable = "sagemaker:NetworkIsolation"
      values   = ["true"]
    }

    dynamic "condition" {
      for_each = local.only_our_network

      content {
        test     = condition.value.test
        variable = "sagemaker:${condition.value.key}"
        values   = condition.value.values
      }
    }
  }

  # A batch transform knows no longest time:
  # https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsagemakerai.html
  statement {
    sid       = "ScoreWithinLimits"
    actions   = ["sagemaker:CreateTransformJob"]
    resources = ["${local.sagemaker}:transform-job/${var.name}-*"]

    condition {
      test     = "ArnLike"
      variable = "sagemaker:ModelArn"
      values   = ["${local.sagemaker}:model/${var.name}-*"]
    }

    dynamic "condition" {
      for_each = local.only_these_hosts

      content {
        test     = condition.value.test
        variable = "sagemaker:${condition.value.key}"
        values   = condition.value.values
      }
    }
  }

  statement {
    sid       = "FollowAndStop"
    actions   = ["sagemaker:AddTags", "sagemaker:DeleteModel", "sagemaker:DescribeTransformJob", "sagemaker:StopTransformJob"]
    resources = [for kind in ["model", "transform-job"] : "${local.sagemaker}:${kind}/${var.name}-*"]
  }

  statement {
    sid       = "FindLogs"
    actions   = ["logs:DescribeLogStreams"]
    resources = ["${local.logs}/TransformJobs:*"]
  }

  statement {
    sid       = "ReadLogs"
    actions   = ["logs:GetLogEvents"]
    resources = ["${local.logs}/TransformJobs:log-stream:${var.name}-*"]
  }

  statement {
    sid       = "HandOverTheJobsRole"
    actions   = ["iam:PassRole"]
    resources = [var.role_arn]

    condition {
      test     = "StringEquals"
      variable = "iam:PassedToService"
      values   = ["sagemaker.amazonaws.com"]
    }
  }
}

resource "aws_iam_policy" "score" {
  name        = "${var.name}-launch-scoring"
  description = "Start batch transforms within limits"
  policy      = data.aws_iam_policy_document.score.json
}
