# Jobs and endpoints in SageMaker.
data "aws_iam_policy_document" "sagemaker" {
  #checkov:skip=CKV_AWS_356:describing networks, an ECR login and PutMetricData know no resource; see the statements
  #checkov:skip=CKV_AWS_111:network interfaces of a job in a VPC know no resource before they exist; see the statement
  source_policy_documents = [data.aws_iam_policy_document.read_lake.json, data.aws_iam_policy_document.read_registry.json]

  statement {
    sid       = "Training"
    actions   = ["s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"]
    resources = [for prefix in ["training", "processing", "scoring", "feature-store"] : "${local.artifacts}/${prefix}/*"]
  }

  # Channels are given by their prefix.
  statement {
    sid       = "ListTraining"
    actions   = ["s3:ListBucket"]
    resources = [local.artifacts]

    condition {
      test     = "StringLike"
      variable = "s3:prefix"
      values   = ["training/*", "processing/*", "scoring/*"]
    }
  }

  statement {
    sid       = "FeatureStoreLooks"
    actions   = ["s3:GetBucketAcl", "s3:GetBucketLocation"]
    resources = [local.artifacts]
  }

  # Volumes of a job are encrypted by SageMaker on our behalf, which takes a grant:
  # https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html
  statement {
    sid       = "DataKey"
    actions   = ["kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"]
    resources = [var.data_key_arn]
  }

  statement {
    sid       = "DataKeyForVolumes"
    actions   = ["kms:CreateGrant"]
    resources = [var.data_key_arn]

    condition {
      test     = "Bool"
      variable = "kms:GrantIsForAWSResource"
      values   = ["true"]
    }
  }

  statement {
    sid       = "Logs"
    actions   = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]
    resources = ["${local.arn_prefix["logs"]}:log-group:/aws/sagemaker/*"]
  }

  # PutMetricData knows no resource; the namespace bounds it instead:
  # https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatch.html
  statement {
    sid       = "Metrics"
    actions   = ["cloudwatch:PutMetricData"]
    resources = ["*"]

    condition {
      test     = "StringLike"
      variable = "cloudwatch:namespace"
      values   = [var.metric_namespace, "/aws/sagemaker/*"]
    }
  }

  statement {
    sid       = "PullImages"
    actions   = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
    resources = values(var.repository_arns)
  }

  # A login is for the whole registry; AWS offers no resource for it:
  # https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerregistry.html
  statement {
    sid       = "LogIn"
    actions   = ["ecr:GetAuthorizationToken"]
    resources = ["*"]
  }

  # A job in a VPC gets network interfaces there. The Describe calls know no resource:
  # https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html
  statement {
    sid = "SeeNetwork"
    actions = [
      "ec2:DescribeDhcpOptions", "ec2:DescribeNetworkInterfaces", "ec2:DescribeSecurityGroups", "ec2:DescribeSubnets",
      "ec2:DescribeVpcEndpoints", "ec2:DescribeVpcs",
    ]
    resources = ["*"]
  }

  statement {
    sid     = "JoinNetwork"
    actions = ["ec2:CreateNetworkInterface", "ec2:CreateNetworkInterfacePermission", "ec2:DeleteNetworkInterface", "ec2:DeleteNetworkInterfacePermission"]
    resources = concat(
      ["arn:${var.place.partition}:ec2:${var.place.region}:${var.place.account}:network-interface/*"],
      ["arn:${var.place.partition}:ec2:${var.place.region}:${var.place.account}:security-group/${var.jobs_security_group_id}"],
      [for id in var.private_subnet_ids : "arn:${var.place.partition}:ec2:${var.place.region}:${var.place.account}:subnet/${id}"],
    )
  }
}

# Ingest on Glue's workers.
data "aws_iam_policy_document" "glue" {
  source_policy_documents = [data.aws_iam_policy_document.take_in.json]

  statement {
    sid       = "ReadCode"
    actions   = ["s3:GetObject"]
    resources = ["${local.artifacts}/code/*"]
  }

  statement {
    sid     = "Catalog"
    actions = ["glue:GetDatabase", "glue:GetTable", "glue:GetTables"]
    resources = [
      "${local.arn_prefix["glue"]}:catalog",
      "${local.arn_prefix["glue"]}:database/${local.database}",
      "${local.arn_prefix["glue"]}:table/${local.database}/*",
    ]
  }

  statement {
    sid       = "Logs"
    actions   = ["logs:AssociateKmsKey", "logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${local.arn_prefix["logs"]}:log-group:/aws-glue/*", "${local.arn_prefix["logs"]}:log-group:/${var.name}/*"]
  }
}

# The CI service: pushes images and code, follows deployments. It makes no role and changes no ground.
data "aws_iam_policy_document" "ci" {
  #checkov:skip=CKV_AWS_356:an ECR login knows no resource; see the statement
  #checkov:skip=CKV_AWS_111:an ECR login knows no resource; see the statement
  source_policy_documents = [data.aws_iam_policy_document.data_key.json, data.aws_iam_policy_document.read_registry.json]

  # A login is for the whole registry; AWS offers no resource for it:
  # https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerregistry.html
  statement {
    sid       = "LogIn"
    actions   = ["ecr:GetAuthorizationToken"]
    resources = ["*"]
  }

  statement {
    sid = "PushImages"
    actions = [
      "ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:CompleteLayerUpload", "ecr:DescribeImageScanFindings",
      "ecr:DescribeImages", "ecr:GetDownloadUrlForLayer", "ecr:InitiateLayerUpload", "ecr:PutImage", "ecr:UploadLayerPart",
    ]
    resources = values(var.repository_arns)
  }

  statement {
    sid       = "PublishCode"
    actions   = ["s3:PutObject"]
    resources = ["${local.artifacts}/code/*"]
  }

  statement {
    sid       = "FindCluster"
    actions   = ["eks:DescribeCluster"]
    resources = ["${local.arn_prefix["eks"]}:cluster/${var.cluster_name}"]
  }

  statement {
    sid       = "StartIngest"
    actions   = ["glue:GetJobRun", "glue:StartJobRun"]
    resources = ["${local.arn_prefix["glue"]}:job/${var.name}-ingest"]
  }

  # Endpoints for those who serve from SageMaker; names begin with this environment's.
  statement {
    sid = "Endpoints"
    actions = [
      "sagemaker:AddTags", "sagemaker:CreateEndpoint", "sagemaker:CreateEndpointConfig", "sagemaker:CreateModel", "sagemaker:DeleteEndpoint",
      "sagemaker:DeleteEndpointConfig", "sagemaker:DeleteModel", "sagemaker:DescribeEndpoint",
      "sagemaker:DescribeEndpointConfig", "sagemaker:DescribeModel", "sagemaker:UpdateEndpoint",
      "sagemaker:UpdateEndpointWeightsAndCapacities",
    ]
    resources = [for kind in ["endpoint", "endpoint-config", "model"] : "${local.arn_prefix["sagemaker"]}:${kind}/${var.name}-*"]
  }

  # What puts an update back; other alarms of the environment bear names that do not end so.
  statement {
    sid       = "AlarmsOfEndpoints"
    actions   = ["cloudwatch:DeleteAlarms", "cloudwatch:PutMetricAlarm"]
    resources = [for alarm in ["errors", "latency"] : "${local.arn_prefix["cloudwatch"]}:alarm:${var.name}-*-${alarm}"]
  }

  # A rollout is watched by all alarms of the environment, which are listed by the beginning of their names.
  statement {
    sid       = "SeeAlarms"
    actions   = ["cloudwatch:DescribeAlarms"]
    resources = ["${local.arn_prefix["cloudwatch"]}:alarm:*"]
  }

  # Targets bear names of AWS's own; the service and what is scaled bound them:
  # https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsapplicationautoscaling.html
  statement {
    sid       = "ScaleEndpoints"
    actions   = ["application-autoscaling:PutScalingPolicy", "application-autoscaling:RegisterScalableTarget"]
    resources = ["${local.arn_prefix["application-autoscaling"]}:scalable-target/*"]

    condition {
      test     = "StringEquals"
      variable = "application-autoscaling:service-namespace"
      values   = ["sagemaker"]
    }

    condition {
      test     = "StringEquals"
      variable = "application-autoscaling:scalable-dimension"
      values   = ["sagemaker:variant:DesiredInstanceCount"]
    }
  }

  # Made by AWS the first time that an endpoint of the account is scaled:
  # https://docs.aws.amazon.com/autoscaling/application/userguide/application-auto-scaling-service-linked-roles.html
  statement {
    sid       = "ServiceLinkedRole"
    actions   = ["iam:CreateServiceLinkedRole"]
    resources = ["arn:${var.place.partition}:iam::${var.place.account}:role/aws-service-role/sagemaker.application-autoscaling.amazonaws.com/*"]

    condition {
      test     = "StringEquals"
      variable = "iam:AWSServiceName"
      values   = ["sagemaker.application-autoscaling.amazonaws.com"]
    }
  }
}
