output "topic_arn" {
  description = "Topic of alarms and budgets."
  value       = aws_sns_topic.alerts.arn
}

output "log_group_names" {
  description = "Log groups by purpose: application, dataplane, host, performance, jobs."
  value       = { for purpose, group in aws_cloudwatch_log_group.this : purpose => group.name }
}

output "metric_namespace" {
  description = "Namespace of the application's metrics."
  value       = local.metric_namespace
}

output "alarms" {
  description = "Names of the alarms."
  value = concat(
    [for alarm in aws_cloudwatch_metric_alarm.this : alarm.alarm_name],
    aws_cloudwatch_composite_alarm.service[*].alarm_name,
  )
}

output "dashboard" {
  description = "CloudWatch dashboard."
  value       = aws_cloudwatch_dashboard.this.dashboard_name
}
