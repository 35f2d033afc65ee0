# What every component that touches objects needs of the key, and only through S3 and DynamoDB.
data "aws_iam_policy_document" "data_key" {
  statement {
    sid       = "DataKey"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
    resources = [var.data_key_arn]

    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = ["s3.${var.place.region}.amazonaws.com", "dynamodb.${var.place.region}.amazonaws.com"]
    }
  }
}

data "aws_iam_policy_document" "read_lake" {
  statement {
    sid       = "ReadLake"
    actions   = ["s3:GetObject"]
    resources = ["${local.lake}/lake/*"]
  }

  statement {
    sid       = "ListLake"
    actions   = ["s3:ListBucket"]
    resources = [local.lake]

    condition {
      test     = "StringLike"
      variable = "s3:prefix"
      values   = ["lake", "lake/*", "predictions/*", "incoming/*", "to-score/*"]
    }
  }
}

# Till files into the lake, whoever does it.
data "aws_iam_policy_document" "take_in" {
  source_policy_documents = [data.aws_iam_policy_document.data_key.json, data.aws_iam_policy_document.read_lake.json]

  statement {
    sid       = "ReadIncoming"
    actions   = ["s3:GetObject"]
    resources = ["${local.lake}/incoming/*"]
  }

  statement {
    sid       = "WriteLake"
    actions   = ["s3:AbortMultipartUpload", "s3:DeleteObject", "s3:PutObject"]
    resources = ["${local.lake}/lake/*"]
  }
}

data "aws_iam_policy_document" "read_registry" {
  statement {
    sid       = "ReadRegistry"
    actions   = ["s3:GetObject"]
    resources = ["${local.artifacts}/registry/*"]
  }

  statement {
    sid       = "ListRegistry"
    actions   = ["s3:ListBucket"]
    resources = [local.artifacts]

    condition {
      test     = "StringLike"
      variable = "s3:prefix"
      values   = ["registry", "registry/*"]
    }
  }
}

# Serves champions, reads customers' snapshot beside them, and sets down what it answered.
data "aws_iam_policy_document" "server" {
  source_policy_documents = [data.aws_iam_policy_document.data_key.json, data.aws_iam_policy_document.read_registry.json]

  statement {
    sid       = "SetDownAnswers"
    actions   = ["s3:PutObject"]
    resources = ["${local.lake}/predictions/*"]
  }
}

# Takes in till files, and materializes features.
data "aws_iam_policy_document" "etl" {
  source_policy_documents = [data.aws_iam_policy_document.take_in.json, data.aws_iam_policy_document.read_registry.json]

  statement {
    sid       = "WriteSnapshotAndLineage"
    actions   = ["s3:AbortMultipartUpload", "s3:PutObject"]
    resources = ["${local.artifacts}/registry/features/snapshot/*", "${local.artifacts}/registry/lineage/*"]
  }

  statement {
    sid       = "OnlineFeatures"
    actions   = ["dynamodb:BatchGetItem", "dynamodb:DescribeTable", "dynamodb:GetItem", "dynamodb:PutItem"]
    resources = ["${local.arn_prefix["dynamodb"]}:table/${var.name}-features"]
  }

  statement {
    sid       = "FeatureStore"
    actions   = ["sagemaker:DeleteRecord", "sagemaker:GetRecord", "sagemaker:PutRecord"]
    resources = ["${local.arn_prefix["sagemaker"]}:feature-group/${var.name}-*"]
  }
}

# Scores files and the lake, by a batch transform as well, and commits what the server set down. Starting one comes by the
# policy of the module training.
data "aws_iam_policy_document" "batch" {
  source_policy_documents = [
    data.aws_iam_policy_document.data_key.json,
    data.aws_iam_policy_document.read_lake.json,
    data.aws_iam_policy_document.read_registry.json,
  ]

  statement {
    sid       = "Predictions"
    actions   = ["s3:AbortMultipartUpload", "s3:DeleteObject", "s3:GetObject", "s3:PutObject"]
    resources = ["${local.lake}/predictions/*", "${local.lake}/lake/predictions/*"]
  }

  statement {
    sid       = "Scoring"
    actions   = ["s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"]
    resources = ["${local.artifacts}/scoring/*"]
  }

  # Without it S3 answers "forbidden" where an object is missing.
  statement {
    sid       = "ListScoring"
    actions   = ["s3:ListBucket"]
    resources = [local.artifacts]

    condition {
      test     = "StringLike"
      variable = "s3:prefix"
      values   = ["scoring/*"]
    }
  }

  statement {
    sid       = "ReadToScore"
    actions   = ["s3:GetObject"]
    resources = ["${local.lake}/to-score/*"]
  }

  statement {
    sid       = "WriteScored"
    actions   = ["s3:AbortMultipartUpload", "s3:PutObject"]
    resources = ["${local.lake}/scored/*"]
  }
}

# Monitors, trains and promotes; starting SageMaker jobs comes by the policy of the module training.
data "aws_iam_policy_document" "retrain" {
  source_policy_documents = [
    data.aws_iam_policy_document.data_key.json,
    data.aws_iam_policy_document.read_lake.json,
    data.aws_iam_policy_document.read_registry.json,
  ]

  statement {
    sid       = "ReadPredictions"
    actions   = ["s3:GetObject"]
    resources = ["${local.lake}/predictions/*"]
  }

  statement {
    sid       = "WriteRegistry"
    actions   = ["s3:AbortMultipartUpload", "s3:PutObject"]
    resources = ["${local.artifacts}/registry/*", "${local.artifacts}/training/*", "${local.artifacts}/processing/*"]
  }

  statement {
    sid       = "ReadTraining"
    actions   = ["s3:GetObject"]
    resources = ["${local.artifacts}/training/*", "${local.artifacts}/processing/*"]
  }

  # Without it S3 answers "forbidden" where an object is missing.
  statement {
    sid       = "ListTraining"
    actions   = ["s3:ListBucket"]
    resources = [local.artifacts]

    condition {
      test     = "StringLike"
      variable = "s3:prefix"
      values   = ["training/*", "processing/*"]
    }
  }
}

# Measures the newest week, and tells drift and live accuracy by lines of the jobs' log group, which hold metrics.
data "aws_iam_policy_document" "monitor" {
  source_policy_documents = [
    data.aws_iam_policy_document.data_key.json,
    data.aws_iam_policy_document.read_lake.json,
    data.aws_iam_policy_document.read_registry.json,
  ]

  statement {
    sid       = "TellMetrics"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${local.arn_prefix["logs"]}:log-group:/${var.name}/jobs:*"]
  }
}
