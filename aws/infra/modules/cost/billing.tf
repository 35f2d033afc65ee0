# Estimated charges are a metric of us-east-1, and an alarm notifies topics of its own region only.
data "aws_iam_policy_document" "billing_key" {
  #checkov:skip=CKV_AWS_109:a key policy: "*" is the key that it belongs to, and without this statement IAM cannot govern it
  #checkov:skip=CKV_AWS_111:a key policy: "*" is the key that it belongs to
  #checkov:skip=CKV_AWS_356:a key policy: "*" is the key that it belongs to
  # https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html: "*" is the key itself.
  statement {
    sid       = "AccountGovernsByIam"
    actions   = ["kms:*"]
    resources = ["*"]

    principals {
      type        = "AWS"
      identifiers = ["arn:${var.place.partition}:iam::${var.place.account}:root"]
    }
  }

  # https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html
  statement {
    sid       = "Alarms"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
    resources = ["*"]

    principals {
      type        = "Service"
      identifiers = ["cloudwatch.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [var.place.account]
    }
  }
}

resource "aws_kms_key" "billing" {
  count    = var.billing_alarm ? 1 : 0
  provider = aws.billing

  description             = "${var.name}: the topic of the billing alarm"
  enable_key_rotation     = true
  deletion_window_in_days = var.key_deletion_days
  policy                  = data.aws_iam_policy_document.billing_key.json
}

resource "aws_sns_topic" "billing" {
  count    = var.billing_alarm ? 1 : 0
  provider = aws.billing

  name              = "${var.name}-billing"
  kms_master_key_id = aws_kms_key.billing[0].arn
}

resource "aws_sns_topic_subscription" "billing" {
  for_each = var.billing_alarm ? var.alert_emails : []
  provider = aws.billing

  topic_arn = aws_sns_topic.billing[0].arn
  protocol  = "email"
  endpoint  = each.key
}

resource "aws_cloudwatch_metric_alarm" "billing" {
  count    = var.billing_alarm ? 1 : 0
  provider = aws.billing

  alarm_name          = "${var.name}-spend"
  alarm_description   = "The account's estimated charges of this month have passed the budget: `terraform output` names who answers for it, and the teardown verb ends it"
  namespace           = "AWS/Billing"
  metric_name         = "EstimatedCharges"
  dimensions          = { Currency = "USD" }
  statistic           = "Maximum"
  period              = 21600
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = var.budget_usd_month
  treat_missing_data  = "missing"
  alarm_actions       = [aws_sns_topic.billing[0].arn]
}
