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
      values   = ["lake", "lake/*", "predictions/*", "incoming/*"]
    }
  }
}

data "aws_iam_policy_document" "read_registry" {
  statement {
    sid       = "ReadRegistry"
    actions   = ["s3:GetObject"]
    resources = ["${local.artifacts}/registry/*", "${local.artifacts}/snapshots/*"]
  }

  statement {
    sid       = "ListRegistry"
    actions   = ["s3:ListBucket"]
    resources = [local.artifacts]

    condition {
      test     = "StringLike"
      variable = "s3:prefix"
      values   = ["registry", "registry/*", "snapshots", "snapshots/*"]
    }
  }
}

# Serves champions, reads customers' snapshot, and sets down what it answered.
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

  statement {
    sid       = "WriteSnapshots"
    actions   = ["s3:GetObject", "s3:PutObject"]
    resources = ["${local.artifacts}/snapshots/*"]
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

# Scores the lake, by a batch transform as well, and commits what the server set down. Starting one comes by the policy of
# the module training.
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
