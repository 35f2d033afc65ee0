resource "aws_budgets_budget" "month" {
  count = var.budget_usd_month == 0 ? 0 : 1

  name         = "${var.name}-month"
  budget_type  = "COST"
  time_unit    = "MONTHLY"
  limit_amount = tostring(var.budget_usd_month)
  limit_unit   = "USD"

  cost_filter {
    name   = "TagKeyValue"
    values = [format("user:Project$%s", var.project)]
  }

  dynamic "notification" {
    for_each = {
      "80-actual"    = { threshold = 80, type = "ACTUAL" }
      "100-actual"   = { threshold = 100, type = "ACTUAL" }
      "100-forecast" = { threshold = 100, type = "FORECASTED" }
    }

    content {
      comparison_operator        = "GREATER_THAN"
      threshold                  = notification.value.threshold
      threshold_type             = "PERCENTAGE"
      notification_type          = notification.value.type
      subscriber_sns_topic_arns  = [var.alert_topic_arn]
      subscriber_email_addresses = var.alert_emails
    }
  }
}

resource "aws_ce_cost_allocation_tag" "this" {
  for_each = var.cost_allocation_tags

  tag_key = each.key
  status  = "Active"
}

locals {
  hours = var.office_hours == null ? {} : {
    for pair in setproduct(["start", "stop"], ["serving", "jobs"]) : "${pair[0]}-${pair[1]}" => {
      expression = pair[0] == "start" ? var.office_hours.start : var.office_hours.stop
      group      = var.node_groups[pair[1]]
      # Nothing wakes the nodes at night: the autoscaler that could is itself a pod on them.
      min = pair[0] == "start" ? var.node_groups[pair[1]].min : 0
    }
  }
}

# EKS itself is asked to change a node group, for the Auto Scaling group behind it belongs to EKS.
resource "aws_scheduler_schedule" "hours" {
  #checkov:skip=CKV_AWS_297:the schedule's only content is the size of a node group
  for_each = local.hours

  name                         = "${var.name}-${each.key}"
  description                  = "Nodes run in office hours only"
  schedule_expression          = each.value.expression
  schedule_expression_timezone = var.office_hours.time_zone

  flexible_time_window {
    mode = "OFF"
  }

  target {
    arn      = "arn:${var.place.partition}:scheduler:::aws-sdk:eks:updateNodegroupConfig"
    role_arn = aws_iam_role.hours[0].arn
    input = jsonencode({
      ClusterName   = var.cluster_name
      NodegroupName = each.value.group.name
      ScalingConfig = { MinSize = each.value.min, DesiredSize = each.value.min, MaxSize = each.value.group.max }
    })
  }
}

data "aws_iam_policy_document" "hours_trust" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["scheduler.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [var.place.account]
    }
  }
}

data "aws_iam_policy_document" "hours" {
  statement {
    sid       = "ResizeNodes"
    actions   = ["eks:UpdateNodegroupConfig"]
    resources = [for group in var.node_groups : group.arn]
  }
}

resource "aws_iam_role" "hours" {
  count = var.office_hours == null ? 0 : 1

  name               = "${var.name}-office-hours"
  assume_role_policy = data.aws_iam_policy_document.hours_trust.json
}

resource "aws_iam_role_policy" "hours" {
  count = var.office_hours == null ? 0 : 1

  name   = "resize-nodes"
  role   = aws_iam_role.hours[0].id
  policy = data.aws_iam_policy_document.hours.json
}
