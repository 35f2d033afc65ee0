# One key a purpose, so that whoever may read logs may not read the lake. Keys rotate every year.
locals {
  trail_arn = "arn:${var.place.partition}:cloudtrail:${var.place.region}:${var.place.account}:trail/${var.trail_name}"
  keys = {
    data    = "Lake, artifacts, features and training volumes"
    images  = "Container images"
    cluster = "Kubernetes secrets"
    logs    = "CloudWatch log groups"
    alerts  = "The topic of alarms and budgets"
    audit   = "The audit trail"
  }
}

resource "aws_kms_key" "this" {
  for_each = local.keys

  description             = "${var.name}: ${each.value}"
  enable_key_rotation     = true
  deletion_window_in_days = var.key_deletion_days
  policy                  = data.aws_iam_policy_document.key[each.key].json
}

resource "aws_kms_alias" "this" {
  for_each = local.keys

  name          = "alias/${var.name}-${each.key}"
  target_key_id = aws_kms_key.this[each.key].key_id
}

resource "aws_cloudtrail" "this" {
  #checkov:skip=CKV_AWS_252:alarms on the trail's log group notify, not the delivery of each file
  name                          = var.trail_name
  s3_bucket_name                = var.audit_bucket
  s3_key_prefix                 = "trail"
  kms_key_id                    = aws_kms_key.this["audit"].arn
  is_multi_region_trail         = true
  include_global_service_events = true
  enable_log_file_validation    = true
  cloud_watch_logs_group_arn    = "${aws_cloudwatch_log_group.trail.arn}:*"
  cloud_watch_logs_role_arn     = aws_iam_role.trail.arn

  event_selector {
    include_management_events = true
    read_write_type           = "All"

    dynamic "data_resource" {
      for_each = length(var.data_bucket_arns) == 0 ? [] : [var.data_bucket_arns]

      content {
        type   = "AWS::S3::Object"
        values = [for arn in data_resource.value : "${arn}/"]
      }
    }
  }

  depends_on = [aws_iam_role_policy.trail]
}

resource "aws_cloudwatch_log_group" "trail" {
  #checkov:skip=CKV_AWS_338:read by metric filters only; the trail itself is kept in S3, locked
  name              = "/aws/cloudtrail/${var.name}"
  retention_in_days = var.log_retention_days
  kms_key_id        = aws_kms_key.this["logs"].arn
}
