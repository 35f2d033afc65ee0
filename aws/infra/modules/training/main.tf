# Who may start training may start it within limits: only these jobs, sizes and hours, only in our subnets, with our key,
# and only with the role that SageMaker jobs have.
resource "aws_sagemaker_model_package_group" "this" {
  for_each = var.tasks

  model_package_group_name        = "${var.name}-${each.key}"
  model_package_group_description = "Versions of the model for the task ${each.key}, mirrored from the registry"
}

locals {
  sagemaker = "arn:${var.place.partition}:sagemaker:${var.place.region}:${var.place.account}"
}

data "aws_iam_policy_document" "launch" {
  statement {
    sid       = "StartWithinLimits"
    actions   = ["sagemaker:CreateTrainingJob", "sagemaker:CreateHyperParameterTuningJob"]
    resources = ["${local.sagemaker}:training-job/${var.name}-*", "${local.sagemaker}:hyper-parameter-tuning-job/${var.name}-*"]

    # ForAllValues alone is true of a request that names nothing.
    condition {
      test     = "Null"
      variable = "sagemaker:InstanceTypes"
      values   = ["false"]
    }

    condition {
      test     = "ForAllValues:StringEquals"
      variable = "sagemaker:InstanceTypes"
      values   = var.instance_types
    }

    condition {
      test     = "NumericLessThanEquals"
      variable = "sagemaker:MaxRuntimeInSeconds"
      values   = [var.max_hours * 3600]
    }

    condition {
      test     = "ArnEquals"
      variable = "sagemaker:VolumeKmsKey"
      values   = [var.data_key_arn]
    }

    condition {
      test     = "ArnEquals"
      variable = "sagemaker:OutputKmsKey"
      values   = [var.data_key_arn]
    }

    condition {
      test     = "Null"
      variable = "sagemaker:VpcSubnets"
      values   = ["false"]
    }

    condition {
      test     = "ForAllValues:StringEquals"
      variable = "sagemaker:VpcSubnets"
      values   = var.private_subnet_ids
    }

    condition {
      test     = "ForAllValues:StringEquals"
      variable = "sagemaker:VpcSecurityGroupIds"
      values   = [var.jobs_security_group_id]
    }
  }

  statement {
    sid = "FollowAndStop"
    actions = [
      "sagemaker:AddTags", "sagemaker:DescribeHyperParameterTuningJob", "sagemaker:DescribeTrainingJob",
      "sagemaker:ListTrainingJobsForHyperParameterTuningJob", "sagemaker:StopHyperParameterTuningJob", "sagemaker:StopTrainingJob",
    ]
    resources = ["${local.sagemaker}:training-job/${var.name}-*", "${local.sagemaker}:hyper-parameter-tuning-job/${var.name}-*"]
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
  description = "Start training and tuning within limits, and register models"
  policy      = data.aws_iam_policy_document.launch.json
}
