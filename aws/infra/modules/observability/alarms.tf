locals {
  ours = {
    for name, metric in var.metrics.metrics : name => {
      meaning    = metric.meaning
      namespace  = local.metric_namespace
      metric     = name
      dimensions = try(metric.dimensions, {})
      alarm      = metric.alarm
      # What the trail tells is a matter of its own, and is told beside the service's one alarm.
      service = metric.source != "trail"
    } if can(metric.alarm)
  }

  # https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Container-Insights-metrics-EKS.html
  pods = { ClusterName = var.name, Namespace = var.namespace, Service = "server" }
  high = { statistic = "Average", comparison = "GreaterThanThreshold", period_s = 60, periods = 10, breaching = 8, missing = "notBreaching" }
  containers = {
    PodCpu = {
      meaning    = "Pods of the server use more than 85 % of the CPU they may have, though the autoscaler adds some"
      metric     = "pod_cpu_utilization_over_pod_limit"
      dimensions = local.pods
      alarm      = merge(local.high, { threshold = 85 })
    }
    PodMemory = {
      meaning    = "Pods of the server use more than 90 % of the memory they may have"
      metric     = "pod_memory_utilization_over_pod_limit"
      dimensions = local.pods
      alarm      = merge(local.high, { threshold = 90 })
    }
    NodesFailed = {
      meaning    = "A node is not ready"
      metric     = "cluster_failed_node_count"
      dimensions = { ClusterName = var.name }
      alarm      = merge(local.high, { statistic = "Maximum", threshold = 0 })
    }
  }

  # https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-cloudwatch-metrics.html
  seen = { comparison = "GreaterThanThreshold", period_s = 60, periods = 5, breaching = 3, missing = "notBreaching" }
  balancer = var.load_balancer == "" ? {} : {
    BalancerLatency = {
      meaning = "95 % of the answers, as the load balancer sees them, take longer than 200 ms"
      metric  = "TargetResponseTime"
      alarm   = merge(local.seen, { statistic = "p95", threshold = 0.2 })
    }
    BalancerTargetErrors = {
      meaning = "The server answers with a status of 500 or above"
      metric  = "HTTPCode_Target_5XX_Count"
      alarm   = merge(local.seen, { statistic = "Sum", threshold = 5 })
    }
    BalancerErrors = {
      meaning = "The load balancer itself answers with a status of 500 or above: no pod is ready, or none in time"
      metric  = "HTTPCode_ELB_5XX_Count"
      alarm   = merge(local.seen, { statistic = "Sum", threshold = 5 })
    }
  }

  alarms = merge(
    local.ours,
    { for name, alarm in local.containers : name => merge(alarm, { namespace = "ContainerInsights", service = true }) },
    { for name, alarm in local.balancer : name => merge(alarm, { namespace = "AWS/ApplicationELB", dimensions = { LoadBalancer = var.load_balancer }, service = true }) },
  )
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = local.alarms

  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = each.value.meaning
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = startswith(each.value.alarm.statistic, "p") ? null : each.value.alarm.statistic
  extended_statistic  = startswith(each.value.alarm.statistic, "p") ? each.value.alarm.statistic : null
  comparison_operator = each.value.alarm.comparison
  threshold           = each.value.alarm.threshold
  period              = each.value.alarm.period_s
  evaluation_periods  = each.value.alarm.periods
  datapoints_to_alarm = each.value.alarm.breaching
  treat_missing_data  = each.value.alarm.missing
  # Below a composite alarm the others keep quiet: one fault, one mail.
  alarm_actions = var.composite_alarm && each.value.service ? [] : [aws_sns_topic.alerts.arn]
  ok_actions    = var.composite_alarm && each.value.service ? [] : [aws_sns_topic.alerts.arn]
}

resource "aws_cloudwatch_composite_alarm" "service" {
  count = var.composite_alarm ? 1 : 0

  alarm_name        = "${var.name}-service"
  alarm_description = "Something is wrong with the service; the alarms below this one tell what"
  alarm_rule        = join(" OR ", [for name, alarm in local.alarms : "ALARM(\"${aws_cloudwatch_metric_alarm.this[name].alarm_name}\")" if alarm.service])
  alarm_actions     = [aws_sns_topic.alerts.arn]
  ok_actions        = [aws_sns_topic.alerts.arn]
}
