# Metrics and their alarms are listed in aws/metrics.json, which the server's emitter reads as well; here is what AWS itself
# measures, and who is told.
locals {
  metric_namespace = "${var.metrics.namespace}/${var.environment}"
  groups = merge(
    { for kind in ["application", "dataplane", "host", "performance"] : kind => "/aws/containerinsights/${var.name}/${kind}" },
    { jobs = "/${var.name}/jobs" },
  )
  sources  = { requests = aws_cloudwatch_log_group.this["application"].name, trail = var.trail_log_group }
  filtered = { for name, metric in var.metrics.metrics : name => metric if contains(keys(local.sources), metric.source) }
}

resource "aws_cloudwatch_log_group" "this" {
  #checkov:skip=CKV_AWS_338:how long logs are kept is the user's choice (log_retention_days); the audit trail is kept in S3
  for_each = local.groups

  name              = each.value
  retention_in_days = var.log_retention_days
  kms_key_id        = var.logs_key_arn
}

resource "aws_cloudwatch_log_metric_filter" "this" {
  for_each = local.filtered

  name           = "${var.name}-${each.key}"
  log_group_name = local.sources[each.value.source]
  pattern        = each.value.pattern

  metric_transformation {
    name      = each.key
    namespace = local.metric_namespace
    value     = each.value.value
    unit      = each.value.unit
  }
}

resource "aws_sns_topic" "alerts" {
  name              = "${var.name}-alerts"
  kms_master_key_id = var.alerts_key_arn
}

data "aws_iam_policy_document" "topic" {
  statement {
    sid       = "AlarmsAndBudgets"
    actions   = ["sns:Publish"]
    resources = [aws_sns_topic.alerts.arn]

    principals {
      type        = "Service"
      identifiers = ["budgets.amazonaws.com", "cloudwatch.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [var.place.account]
    }
  }
}

resource "aws_sns_topic_policy" "alerts" {
  arn    = aws_sns_topic.alerts.arn
  policy = data.aws_iam_policy_document.topic.json
}

resource "aws_sns_topic_subscription" "email" {
  for_each = var.alert_emails

  topic_arn = aws_sns_topic.alerts.arn
  protocol  = "email"
  endpoint  = each.key
}
